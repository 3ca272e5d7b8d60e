//! `claude-tasks cancel`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The task
    id: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Cancel {
    pub async fn run(self, context: &Context) -> Done {
        let task = context.operator()?.cancel_task(self.id, self.reason).await?;
        if context.terminal.json {
            return context.terminal.say_json(&task);
        }
        context.terminal.say(format!("task {} {}", task.task.id, task.task.state))
    }
}
