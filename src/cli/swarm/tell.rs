//! `claude-swarm tell`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Tell {
    /// The agent
    agent: String,
    /// What it should hear
    text: String,
}

impl Tell {
    pub async fn run(self, context: &Context) -> Done {
        let id = context.operator()?.tell(&self.agent, self.text).await?;
        if context.terminal.json {
            return context.terminal.say_json_line(&serde_json::json!({ "id": id }));
        }
        context.terminal.say(format!("message {id} waits for {}: it hears it at its next turn or with its next task", self.agent))
    }
}
