//! `claude-tasks depend`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;

#[derive(Debug, Args)]
pub(super) struct Depend {
    /// The task that is to wait
    id: i64,
    /// The task that must be done first
    #[arg(long, alias = "on", value_name = "ID")]
    needs: i64,
}

impl Depend {
    pub async fn run(self, context: &Context) -> Done {
        let task = context.operator()?.depend_task(self.id, self.needs).await?;
        if context.terminal.json {
            return context.terminal.say_json(&task);
        }
        context.terminal.say(format!("task {} waits for task {}; it is {}", task.task.id, self.needs, task.task.state))
    }
}
