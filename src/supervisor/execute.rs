//! Execution: wakes, looks, plans, does. Dull on purpose; every step may be done again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::plan::{Desired, Limits, Step, plan};
use super::watch::Exits;
use crate::domain::backoff::restart_ms;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::task::Token;
use crate::failpoint;
use crate::runner::{Labels, PaneId, ProcessIdentity, Runner, RunnerError, Size, StartSession, sandbox_gone};
use crate::swarm::{Setback, Swarm, Wanted};

/// What the supervisor is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The worker's command line, before `--agent NAME --session N`.
    pub worker: Vec<String>,
    /// The worker's whole environment; no secrets.
    pub env: Vec<(String, String)>,
    /// Where workers run.
    pub cwd: PathBuf,
    /// Where the locks of sandboxes are.
    pub sandboxes: PathBuf,
    /// Lines of scrollback.
    pub history_limit: u32,
    /// The bounds of the plan.
    pub limits: Limits,
    /// The time between asking a process to end and forcing it.
    pub stop_grace: Duration,
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
}

/// Waits for an event after `seen` that could change the plan: about agents and the swarm as a whole. Answers whether there will be more.
async fn concerns(swarm: &Swarm, events: &mut watch::Receiver<i64>, mut seen: i64) -> bool {
    loop {
        match swarm.events_after(seen, u32::MAX).await {
            Ok(new) if new.iter().filter_map(Event::known).any(|kind| matches!(kind.noun(), "agent" | "swarm")) => return true,
            Ok(new) => seen = new.last().map_or(seen, |event| event.seq),
            // What cannot be read now is looked at by the slow timer.
            Err(error) => tracing::warn!(%error, "events cannot be read"),
        }
        if events.changed().await.is_err() {
            return false;
        }
    }
}

/// Looked at least this often, should a wake-up ever be missed.
const SLOW: Duration = Duration::from_secs(20);

/// The pause after a step that could not be done.
const AGAIN: Duration = Duration::from_secs(1);

/// A pane that nobody looks at.
const SIZE: Size = Size { columns: 160, rows: 48 };

/// Keeps the wanted agents alive.
pub struct Supervisor {
    swarm: Swarm,
    runner: Arc<dyn Runner>,
    settings: Settings,
    exits: Exits,
    expired: BTreeSet<Token>,
    problems: watch::Sender<Problems>,
}

/// What the last look could not do, for people: about what, and why.
pub type Problems = BTreeMap<String, String>;

impl Supervisor {
    /// A supervisor of this swarm's agents. What it could not do it says through `problems`, anew after each look.
    pub fn new(swarm: Swarm, runner: Arc<dyn Runner>, settings: Settings, problems: watch::Sender<Problems>) -> Self {
        Self { swarm, runner, settings, exits: Exits::new(), expired: BTreeSet::new(), problems }
    }

    /// Supervises until `stop` says so. Sessions live on.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut events = self.swarm.follow();
        let leases = self.swarm.leases().clone();
        loop {
            let seen = *events.borrow_and_update();
            let wake = self.pass().await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                open = concerns(&self.swarm, &mut events, seen) => {
                    if !open {
                        return;
                    }
                }
                () = self.exits.next() => {}
                tokens = leases.expired() => self.expired.extend(tokens),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// One look, one plan, its steps. Answers when to look again.
    async fn pass(&mut self) -> Instant {
        let mut problems = Problems::new();
        let wake = self.look_and_act(&mut problems).await;
        self.problems.send_replace(problems);
        wake
    }

    async fn look_and_act(&mut self, problems: &mut Problems) -> Instant {
        let slow = Instant::now() + SLOW;
        let observed = match self.runner.list().await {
            Ok(observed) => observed,
            Err(error) => {
                problems.insert("sessions".to_owned(), error.to_string());
                return Instant::now() + AGAIN;
            }
        };
        let read = async { Ok::<_, Error>((self.swarm.desired().await?, self.swarm.unreleased(None).await?)) };
        let (wanted, unreleased) = match read.await {
            Ok(read) => read,
            Err(error) => {
                problems.insert("store".to_owned(), error.to_string());
                return Instant::now() + AGAIN;
            }
        };
        let Wanted { agents, sessions, halted } = wanted;
        let desired = Desired { agents, sessions, unreleased, expired: std::mem::take(&mut self.expired), halted };
        let now = self.swarm.now();
        let runner = Arc::clone(&self.runner);
        let plan = plan(&desired, &observed, |process| runner.is_alive(process), self.settings.limits, now);
        let wake = plan.wake.map_or(slow, |at| {
            let millis = u64::try_from(at.0 - now.0).unwrap_or(0);
            (Instant::now() + Duration::from_millis(millis)).min(slow)
        });
        let changes = !plan.steps.is_empty();
        for step in plan.steps {
            let (name, outcome) = self.execute(step, &desired).await;
            if let Err(problem) = outcome {
                tracing::warn!(step = name, problem, "a step could not be done");
                problems.insert(name, problem);
            }
        }
        if !changes {
            let known = desired.sessions.iter().filter_map(|session| session.pid.zip(session.start_time));
            let known: Vec<_> = known.map(|(pid, start_time)| ProcessIdentity { pid, start_time }).collect();
            self.exits.watch(self.runner.as_ref(), &known);
            return wake;
        }
        // What was done may call for more, which is seen at once; what could not be done is tried again after a pause.
        Instant::now() + if problems.is_empty() { Duration::ZERO } else { AGAIN }
    }

    async fn execute(&self, step: Step, desired: &Desired) -> (String, Result<(), String>) {
        tracing::debug!(?step, "step");
        let system = &Principal::System;
        let text = |error: &dyn std::fmt::Display| error.to_string();
        match step {
            Step::Adopt { session, pane, process } => {
                let done = self.swarm.session_started(system, session, pane.0, process.pid, process.start_time).await;
                (format!("adopt session {session}"), done.map_err(|error| text(&error)))
            }
            Step::End { session, why, unexpected } => {
                let done = self.swarm.session_ended(system, session, why, self.unexpected(session, desired, unexpected)).await;
                (format!("end session {session}"), done.map_err(|error| text(&error)))
            }
            Step::Stop { session, pane, process, why, unexpected } => {
                let name = format!("stop session {session}");
                if let Err(error) = self.stop(pane, process).await {
                    return (name, Err(text(&error)));
                }
                let done = self.swarm.session_ended(system, session, why, self.unexpected(session, desired, unexpected)).await;
                (name, done.map_err(|error| text(&error)))
            }
            Step::Sweep { pane, process } => {
                (format!("sweep pane {pane}"), self.stop(Some(pane), process).await.map_err(|error| text(&error)))
            }
            Step::Reclaim { token } => {
                let name = format!("reclaim {token}");
                let lock = self.settings.sandboxes.join(token.lock_file());
                if let Err(error) = sandbox_gone(&lock).await {
                    return (name, Err(text(&error)));
                }
                let done = self.swarm.lose(system, token, "its worker died".to_owned()).await;
                if done.is_ok() {
                    // It may never have been made.
                    drop(std::fs::remove_file(&lock));
                }
                (name, done.map_err(|error| text(&error)))
            }
            Step::Quarantine { agent, why } => {
                let done = self.swarm.quarantine(system, agent.clone(), why).await;
                (agent.to_string(), done.map_err(|error| text(&error)))
            }
            Step::Start { agent, pane } => (agent.to_string(), self.start(&agent, pane, desired).await),
        }
    }

    fn unexpected(&self, session: i64, desired: &Desired, unexpected: bool) -> Option<Setback> {
        let agent = desired.sessions.iter().find(|row| row.id == session).map(|row| &row.agent);
        unexpected.then(|| self.setback(agent, session, desired))
    }

    fn setback(&self, agent: Option<&AgentName>, session: i64, desired: &Desired) -> Setback {
        let exits = desired.agents.iter().find(|row| Some(&row.name) == agent).map_or(0, |row| row.exits.len());
        let n = u32::try_from(exits.saturating_sub(1)).unwrap_or(u32::MAX);
        let seed = u64::try_from(session).unwrap_or_default();
        Setback { remembered: self.settings.limits.within, pause: restart_ms(n, seed) }
    }

    async fn stop(&self, pane: Option<PaneId>, process: Option<ProcessIdentity>) -> Result<(), RunnerError> {
        match (pane, process) {
            (Some(pane), process) => self.runner.stop(&pane, process, self.settings.stop_grace).await,
            (None, Some(process)) => {
                let ended = crate::runner::end(process, self.settings.stop_grace).await?;
                if ended.survivors.is_empty() { Ok(()) } else { Err(RunnerError::Survivors(ended.survivors)) }
            }
            (None, None) => Ok(()),
        }
    }

    /// Intent first, then the process, then the record of it. A death in between is made up for by the next plan.
    async fn start(&self, agent: &AgentName, pane: Option<PaneId>, desired: &Desired) -> Result<(), String> {
        let name = format!("claude-{agent}");
        let system = &Principal::System;
        let session = self.swarm.intend_session(system, agent.clone(), name.clone()).await.map_err(|error| error.to_string())?;
        failpoint::reach("daemon.session-intended");
        let mut argv = self.settings.worker.clone();
        argv.extend(["--agent".to_owned(), agent.to_string(), "--session".to_owned(), session.to_string()]);
        let start = StartSession {
            name,
            argv,
            cwd: self.settings.cwd.clone(),
            env: self.settings.env.clone(),
            labels: Labels { session, agent: agent.to_string() },
            history_limit: self.settings.history_limit,
            size: SIZE,
            status_left: if self.settings.rehearsal { format!(" {agent} · REHEARSAL ") } else { format!(" {agent} ") },
        };
        let started = match &pane {
            Some(pane) => self.runner.respawn(pane, &start).await,
            None => self.runner.start(&start).await,
        };
        match started {
            Ok(started) => {
                failpoint::reach("daemon.session-started");
                let (pane, process) = (started.pane.0, started.process);
                let done = self.swarm.session_started(system, session, pane, process.pid, process.start_time).await;
                done.map_err(|error| error.to_string())
            }
            // The next look will tell whether it was started.
            Err(error @ (RunnerError::Timeout { .. } | RunnerError::ExitedAtOnce(_))) => Err(error.to_string()),
            Err(error) => {
                let why = error.to_string();
                let setback = Some(self.setback(Some(agent), session, desired));
                self.swarm.session_ended(system, session, why.clone(), setback).await.map_err(|error| error.to_string())?;
                Err(why)
            }
        }
    }
}
