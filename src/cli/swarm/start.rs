//! `claude-swarm start`.

use std::time::Duration;

use clap::Args;

use super::launch::{self, Manner};
use super::overview::overview;
use crate::cli::args::pace;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::cli::settle::{Settled, named, settle};
use crate::domain::agent::AgentState;
use crate::protocol::status::StatusView;

/// How long agents may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct Start {
    /// The agents; all of them where none is named
    #[arg(value_name = "AGENT")]
    agents: Vec<String>,
    /// In a rehearsal: let the script decide what a person must decide
    #[arg(long)]
    auto_approve: bool,
    /// In a rehearsal: how fast the script plays; 2 is twice as fast
    #[arg(long, value_name = "FACTOR", value_parser = pace)]
    pace: Option<f64>,
}

impl Start {
    pub async fn run(self, context: &Context) -> Done {
        let home = context.home()?;
        let manner = Manner { auto_approve: self.auto_approve, pace: self.pace };
        let operator = launch::daemon(context, &home, manner).await?;
        operator.agents("start", self.agents.clone(), None).await?;
        let progress = Progress::start(&context.terminal, "agents start");
        let settled = settle(&operator, PATIENCE, |status| {
            let starting = in_state(status, &self.agents, AgentState::Starting);
            progress.say(&format!("waiting for {}", starting.join(", ")));
            starting.is_empty()
        })
        .await;
        drop(progress);
        let (status, late) = match settled? {
            Settled::Yes(status) => (status, false),
            Settled::Late(status) => (status, true),
        };
        if context.terminal.json {
            context.terminal.say_json(&status)?;
        } else {
            context.terminal.say(overview(&context.terminal, &status, crate::clock::now()))?;
        }
        if status.version != env!("CARGO_PKG_VERSION") {
            let own = env!("CARGO_PKG_VERSION");
            context
                .terminal
                .note(format!("the daemon is of version {} and this command of {own}: stop and start it", status.version));
        }
        if late {
            let starting = in_state(&status, &self.agents, AgentState::Starting).join(", ");
            let (seconds, hint) = (PATIENCE.as_secs(), "`claude-swarm logs AGENT` and `claude-swarm logs daemon` tell why");
            return Err(Failure::failed_with(format!("after {seconds} s still starting: {starting}"), hint));
        }
        let quarantined = in_state(&status, &self.agents, AgentState::Quarantined);
        if !quarantined.is_empty() {
            let hint = "they died over and over; `claude-swarm logs AGENT` tells why";
            return Err(Failure::failed_with(format!("in quarantine: {}", quarantined.join(", ")), hint));
        }
        Ok(())
    }
}

fn in_state(status: &StatusView, names: &[String], state: AgentState) -> Vec<String> {
    named(status, names).filter(|agent| agent.state == state).map(|agent| agent.name.clone()).collect()
}
