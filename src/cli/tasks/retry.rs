//! `claude-tasks retry`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The task
    id: i64,
}

impl Retry {
    pub async fn run(self, context: &Context) -> Done {
        let task = context.operator()?.retry_task(self.id).await?;
        if context.terminal.json {
            return context.terminal.say_json(&task);
        }
        context.terminal.say(format!("task {} is {} again", task.task.id, task.task.state))
    }
}
