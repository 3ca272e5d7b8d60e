//! The plan: from what should be and what is to the steps between. Pure; its tests are tables.

use std::collections::BTreeSet;

use crate::domain::name::AgentName;
use crate::domain::session::SessionState;
use crate::domain::task::Token;
use crate::domain::time::Millis;
use crate::runner::{Exit, ObservedSession, PaneId, ProcessIdentity, State};
use crate::swarm::{AgentRow, AttemptRow, SessionRow};

/// What should be.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The agents, as the store has them.
    pub agents: Vec<AgentRow>,
    /// The sessions that have not ended, as the store has them.
    pub sessions: Vec<SessionRow>,
    /// The attempts whose sandbox may still run.
    pub unreleased: Vec<AttemptRow>,
    /// Claims that were not renewed in time.
    pub expired: BTreeSet<Token>,
    /// Whether everything is to stop.
    pub halted: bool,
}

/// Bounds that a person can set, in milliseconds where they are times.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a worker may take from its start to its hello.
    pub grace: i64,
    /// So many unexpected ends …
    pub exits: usize,
    /// … within this time put an agent into quarantine.
    pub within: i64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write down the process of a session that was started by a daemon which died before it could.
    Adopt {
        /// Which session.
        session: i64,
        /// Where it is.
        pane: PaneId,
        /// What runs there.
        process: ProcessIdentity,
    },
    /// Write down that a session's process is gone.
    End {
        /// Which session.
        session: i64,
        /// Why, for people.
        why: String,
        /// Whether nobody wanted it: counts for back-off and breaker.
        unexpected: bool,
    },
    /// End a session's process, then write it down.
    Stop {
        /// Which session.
        session: i64,
        /// Where it is, if it is anywhere.
        pane: Option<PaneId>,
        /// What was last known to run there.
        process: Option<ProcessIdentity>,
        /// Why, for people.
        why: String,
        /// Whether nobody wanted it.
        unexpected: bool,
    },
    /// Remove a pane of ours that no session speaks of.
    Sweep {
        /// Which.
        pane: PaneId,
        /// What runs there, if anything.
        process: Option<ProcessIdentity>,
    },
    /// Give back a claim whose worker is gone, once its sandbox is proven gone.
    Reclaim {
        /// The claim's.
        token: Token,
    },
    /// Put an agent out of service.
    Quarantine {
        /// Which.
        agent: AgentName,
        /// Why, for people.
        why: String,
    },
    /// Start an agent; in its old pane, if that is still there.
    Start {
        /// Which.
        agent: AgentName,
        /// The old pane.
        pane: Option<PaneId>,
    },
}

/// The steps, and when to look again without being woken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// The next time that changes something by itself.
    pub wake: Option<Millis>,
}

/// What is to be done.
pub fn plan(
    desired: &Desired,
    observed: &[ObservedSession],
    alive: impl Fn(ProcessIdentity) -> bool,
    limits: Limits,
    now: Millis,
) -> Plan {
    let mut plan = Plan::default();
    for session in &desired.sessions {
        look_at(session, desired, observed, &alive, limits, now, &mut plan);
    }
    for seen in observed {
        let spoken_of = desired.sessions.iter().any(|session| session.id == seen.labels.session);
        let reused =
            desired.agents.iter().any(|agent| starts(agent, desired, limits, now) && agent.name.as_str() == seen.labels.agent);
        match seen.state {
            State::Running(process) if !spoken_of => {
                plan.steps.push(Step::Sweep { pane: seen.pane.clone(), process: Some(process) })
            }
            State::Exited(_) | State::Gone if !spoken_of && !reused => {
                plan.steps.push(Step::Sweep { pane: seen.pane.clone(), process: None });
            }
            _ => {}
        }
    }
    for attempt in &desired.unreleased {
        let lives = attempt.session.is_none_or(|id| desired.sessions.iter().any(|session| session.id == id));
        if !lives {
            plan.steps.push(Step::Reclaim { token: attempt.token });
        }
    }
    for agent in desired.agents.iter().filter(|agent| wanted(agent, desired) && live(agent, desired).is_none()) {
        let lately = agent.exits.iter().filter(|exit| exit.0 > now.0 - limits.within).count();
        if lately >= limits.exits {
            let why = format!(
                "its worker ended {lately} times within {} s; `claude-swarm logs {}` may say why",
                limits.within / 1000,
                agent.name
            );
            plan.steps.push(Step::Quarantine { agent: agent.name.clone(), why });
        } else if agent.not_before > now {
            plan.wake = plan.wake.into_iter().chain([agent.not_before]).min();
        } else {
            let old =
                observed.iter().find(|seen| seen.labels.agent == agent.name.as_str() && !matches!(seen.state, State::Running(_)));
            plan.steps.push(Step::Start { agent: agent.name.clone(), pane: old.map(|seen| seen.pane.clone()) });
        }
    }
    plan
}

fn wanted(agent: &AgentRow, desired: &Desired) -> bool {
    agent.wanted && agent.quarantined.is_none() && !desired.halted
}

fn live<'a>(agent: &AgentRow, desired: &'a Desired) -> Option<&'a SessionRow> {
    desired.sessions.iter().find(|session| session.agent == agent.name)
}

/// Whether an agent is started by this plan or a later one, so that its old pane is kept for it.
fn starts(agent: &AgentRow, desired: &Desired, limits: Limits, now: Millis) -> bool {
    let lately = agent.exits.iter().filter(|exit| exit.0 > now.0 - limits.within).count();
    wanted(agent, desired) && lately < limits.exits
}

fn process_of(session: &SessionRow) -> Option<ProcessIdentity> {
    session.pid.zip(session.start_time).map(|(pid, start_time)| ProcessIdentity { pid, start_time })
}

/// What one session that has not ended needs.
fn look_at(
    session: &SessionRow,
    desired: &Desired,
    observed: &[ObservedSession],
    alive: &impl Fn(ProcessIdentity) -> bool,
    limits: Limits,
    now: Millis,
    plan: &mut Plan,
) {
    let seen = observed.iter().find(|seen| seen.labels.session == session.id);
    let known = process_of(session);
    let running = match seen.map(|seen| seen.state) {
        Some(State::Running(process)) => Some(process),
        // Without its pane a process may live on; it is what was written down that counts.
        _ => known.filter(|process| alive(*process)),
    };
    let pane = seen.map(|seen| seen.pane.clone());
    let Some(process) = running else {
        let why = match seen.map(|seen| seen.state) {
            Some(State::Exited(Exit::Code(code))) => format!("its worker exited with {code}"),
            Some(State::Exited(Exit::Signal(signal))) => format!("its worker was ended by signal {signal}"),
            Some(_) => "its worker ended".to_owned(),
            None if session.state == SessionState::Intended => "it was never started".to_owned(),
            None => "its session is gone".to_owned(),
        };
        // One that was intended and is not there was never started, which is nobody's fault.
        let unexpected = session.state != SessionState::Intended || seen.is_some();
        return plan.steps.push(Step::End { session: session.id, why, unexpected });
    };
    let stop = |why: &str, unexpected| Step::Stop {
        session: session.id,
        pane: pane.clone(),
        process: Some(process),
        why: why.to_owned(),
        unexpected,
    };
    let is_wanted = desired.agents.iter().any(|agent| agent.name == session.agent && wanted(agent, desired));
    if !is_wanted {
        return plan.steps.push(stop("it is not wanted any more", false));
    }
    let Some(pane) = &pane else {
        // Nobody can look at it any more and tmux would refuse a second one: the successor gets a new pane.
        return plan.steps.push(stop("its pane is gone", true));
    };
    let expired =
        desired.unreleased.iter().any(|attempt| attempt.session == Some(session.id) && desired.expired.contains(&attempt.token));
    if expired {
        return plan.steps.push(stop("it did not renew its claim in time", true));
    }
    if known != Some(process) {
        plan.steps.push(Step::Adopt { session: session.id, pane: pane.clone(), process });
    }
    if session.state != SessionState::Ready {
        let due = session.created_at.plus(limits.grace);
        if due <= now {
            plan.steps.push(stop("its worker never said hello", true));
        } else {
            plan.wake = plan.wake.into_iter().chain([due]).min();
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
