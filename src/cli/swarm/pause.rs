//! `claude-swarm pause` and `resume`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Pause {
    /// The agents; all of them where none is named
    #[arg(value_name = "AGENT")]
    agents: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The agents; all of them where none is named
    #[arg(value_name = "AGENT")]
    agents: Vec<String>,
}

impl Pause {
    pub async fn run(self, context: &Context) -> Done {
        let changed = context.operator()?.agents("pause", self.agents, self.reason).await?;
        say(context, "paused", &changed)
    }
}

impl Resume {
    pub async fn run(self, context: &Context) -> Done {
        let changed = context.operator()?.agents("resume", self.agents, None).await?;
        say(context, "resumed", &changed)
    }
}

fn say(context: &Context, verb: &str, changed: &[String]) -> Done {
    if context.terminal.json {
        return context.terminal.say_json_line(&serde_json::json!({ "agents": changed }));
    }
    if changed.is_empty() {
        return context.terminal.say(format!("nothing to change: {verb} already"));
    }
    context.terminal.say(format!("{verb} {}", changed.join(", ")))
}
