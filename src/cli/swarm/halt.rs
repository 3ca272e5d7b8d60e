//! `claude-swarm halt`: the emergency stop. It asks the daemon; what the daemon cannot do or confirm is done without it.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::alone;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::config::Home;
use crate::domain::error::Kind;
use crate::protocol::daemon::Halted;

/// How long a daemon may take to say that it is there. In an emergency nobody waits for long.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Halt {
    /// Why; it is shown until agents are started again
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    halted: Halted,
    /// Whether the daemon did it, or it was done without one.
    by_daemon: bool,
    /// The daemon that had to be ended too.
    daemon_ended: Option<i32>,
}

impl Halt {
    pub async fn run(self, context: &Context) -> Done {
        let outcome = match (self.by_daemon(context).await, context.home()) {
            (Ok(halted), Ok(home)) if !halted.survivors.is_empty() => Outcome {
                halted: by_force(context, &home, "the daemon could not end everything").await,
                by_daemon: false,
                daemon_ended: None,
            },
            (Ok(halted), _) => Outcome { halted, by_daemon: true, daemon_ended: None },
            (Err(why), Ok(home)) if cannot(&why) => self.without_daemon(context, &home, &why).await?,
            (Err(failure), _) => return Err(failure),
        };
        if context.terminal.json {
            context.terminal.say_json(&outcome)?;
        } else {
            context.terminal.say(told(&outcome))?;
        }
        if outcome.halted.survivors.is_empty() {
            return Ok(());
        }
        let hint = "end these yourself; nothing new is started until `claude-swarm start`";
        Err(Failure::failed_with(format!("not everything could be ended: {}", outcome.halted.survivors.join(", ")), hint))
    }

    async fn by_daemon(&self, context: &Context) -> Done<Halted> {
        let operator = context.operator()?;
        operator.health(PATIENCE).await?;
        let _progress = Progress::start(&context.terminal, "everything is being ended");
        Ok(operator.halt(self.reason.clone()).await?)
    }

    async fn without_daemon(&self, context: &Context, home: &Home, why: &Failure) -> Done<Outcome> {
        let said = match why {
            Failure::Refused(error) => error.message.as_str(),
            _ => "no daemon runs",
        };
        // First the daemon, so that it starts nothing again.
        let daemon_ended = alone::end_daemon(home).await?;
        let halted = by_force(context, home, said).await;
        let reason = self.reason.as_deref().unwrap_or("by operator");
        if let Err(error) = alone::leave_word(home, reason) {
            let forgotten = "agents that were wanted come back with the next `claude-swarm start`, whichever it names";
            context.terminal.note(format!("that it was halted cannot be written down ({error}): {forgotten}"));
        }
        Ok(Outcome { halted, by_daemon: false, daemon_ended })
    }
}

/// Whether the daemon is not able to do it, rather than not willing.
fn cannot(why: &Failure) -> bool {
    match why {
        Failure::NotRunning(_) => true,
        Failure::Refused(error) => error.kind == Kind::Unavailable,
        _ => false,
    }
}

async fn by_force(context: &Context, home: &Home, why: &str) -> Halted {
    let _progress = Progress::start(&context.terminal, &format!("{why}: everything is being ended without it"));
    let alone::Ended { sessions, survivors } = alone::end_agents(context, home).await;
    Halted { sessions, survivors }
}

fn told(outcome: &Outcome) -> String {
    let daemon = outcome.daemon_ended.map(|pid| format!("the daemon (process {pid}), which could not do it"));
    let ended: Vec<String> = outcome.halted.sessions.iter().cloned().chain(daemon).collect();
    let ended = if ended.is_empty() { "nothing ran".to_owned() } else { format!("ended: {}", ended.join(", ")) };
    let confirmed = if outcome.halted.survivors.is_empty() { "; every process is gone" } else { "" };
    format!("halted. {ended}{confirmed}\nnothing is started until `claude-swarm start`")
}
