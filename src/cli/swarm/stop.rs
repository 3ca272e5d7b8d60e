//! `claude-swarm stop`: agents, or all of them and then the daemon; every end is confirmed.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::timeout;

use super::alone;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::cli::settle::{Settled, named, settle};
use crate::client::{ClientError, Operator};
use crate::domain::agent::AgentState;
use crate::protocol::status::StatusView;
use crate::runner::{ProcessIdentity, wait_exit};

/// How long agents may take to end; longer than the daemon gives them by default.
const AGENTS_PATIENCE: Duration = Duration::from_secs(60);

/// How long the daemon may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(10);

/// How long the daemon may take to end.
const DAEMON_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct Stop {
    /// The agents; where none is named all of them, and then the daemon
    #[arg(value_name = "AGENT", conflicts_with = "keep_sessions")]
    agents: Vec<String>,
    /// Stop only the daemon: agents live on, and the next daemon finds them
    #[arg(long)]
    keep_sessions: bool,
}

impl Stop {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        if self.agents.is_empty()
            && !self.keep_sessions
            && let Err(absent @ ClientError::NotRunning { .. }) = operator.health(ANSWER).await
        {
            return without_daemon(context, absent.into()).await;
        }
        let stopped = if self.keep_sessions { Vec::new() } else { agents(context, &operator, &self.agents).await? };
        let pid = if self.agents.is_empty() { Some(daemon(context, &operator).await?) } else { None };
        if context.terminal.json {
            return context.terminal.say_json_line(&json!({ "agents": stopped, "daemon_pid": pid }));
        }
        let agents = if stopped.is_empty() { None } else { Some(format!("stopped {}", stopped.join(", "))) };
        let daemon = pid.map(|pid| {
            let rest = if self.keep_sessions { "; sessions live on, and `claude-swarm start` finds them again" } else { "" };
            format!("the daemon (process {pid}) is gone{rest}")
        });
        let said: Vec<String> = agents.into_iter().chain(daemon).collect();
        context.terminal.say(if said.is_empty() { "nothing to stop".to_owned() } else { said.join("\n") })
    }
}

/// Agents outlive their daemon, and are to end with it all the same.
async fn without_daemon(context: &Context, absent: Failure) -> Done {
    let home = match context.home() {
        Ok(home) if alone::anything_runs(context, &home).await => home,
        _ => return Err(absent),
    };
    let progress = Progress::start(&context.terminal, "no daemon runs: its agents are being ended");
    let ended = alone::end_agents(context, &home).await;
    drop(progress);
    if let Err(error) = alone::leave_word(&home, "stopped while no daemon ran") {
        context.terminal.note(format!("the next daemon starts them again: {error}"));
    }
    if !ended.survivors.is_empty() {
        let hint = "end these yourself; nothing new is started until `claude-swarm start`";
        return Err(Failure::failed_with(format!("not everything could be ended: {}", ended.survivors.join(", ")), hint));
    }
    if context.terminal.json {
        return context.terminal.say_json_line(&json!({ "agents": ended.sessions, "daemon_pid": null }));
    }
    context.terminal.say(format!("no daemon ran; ended: {}", ended.sessions.join(", ")))
}

/// Stops these agents, and answers which lived.
async fn agents(context: &Context, operator: &Operator, names: &[String]) -> Done<Vec<String>> {
    let living: Vec<String> = alive(&operator.status().await?, names);
    operator.agents("stop", names.to_vec(), None).await?;
    let progress = Progress::start(&context.terminal, "agents stop");
    let settled = settle(operator, AGENTS_PATIENCE, |status| {
        let left = alive(status, names);
        progress.say(&format!("waiting for {}", left.join(", ")));
        left.is_empty()
    })
    .await;
    drop(progress);
    match settled? {
        Settled::Yes(_) => Ok(living),
        Settled::Late(status) => {
            let (left, seconds) = (alive(&status, names).join(", "), AGENTS_PATIENCE.as_secs());
            let hint = "the daemon goes on trying; `claude-swarm halt` ends everything at once";
            Err(Failure::failed_with(format!("after {seconds} s not gone yet: {left}"), hint))
        }
    }
}

/// A quarantined agent has no worker unless it says so.
fn alive(status: &StatusView, names: &[String]) -> Vec<String> {
    let lives = |state, session: &Option<String>| match state {
        AgentState::Absent => false,
        AgentState::Quarantined => session.is_some(),
        _ => true,
    };
    named(status, names).filter(|agent| lives(agent.state, &agent.session)).map(|agent| agent.name.clone()).collect()
}

/// Stops the daemon, and answers which process it was when it is gone.
async fn daemon(context: &Context, operator: &Operator) -> Done<u32> {
    let pid = operator.status().await?.daemon_pid;
    let process = i32::try_from(pid).ok().and_then(ProcessIdentity::of);
    operator.shut_down().await?;
    let progress = Progress::start(&context.terminal, &format!("the daemon (process {pid}) ends"));
    let gone = match process {
        Some(process) => timeout(DAEMON_PATIENCE, wait_exit(process)).await,
        None => Ok(Ok(())),
    };
    drop(progress);
    match gone {
        Ok(Ok(())) => Ok(pid),
        Ok(Err(error)) => Err(Failure::failed(format!("process {pid} cannot be watched: {error}"))),
        Err(_) => {
            let seconds = DAEMON_PATIENCE.as_secs();
            let hint = format!("its log is shown by `claude-swarm logs daemon`; `kill {pid}` asks it once more");
            Err(Failure::failed_with(format!("the daemon (process {pid}) is not gone after {seconds} s"), hint))
        }
    }
}
