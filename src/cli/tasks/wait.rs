//! `claude-tasks wait`: 0 when the task is done; 1 when it failed or was cancelled, and when the time is over first.

use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::progress::Progress;
use crate::cli::time::duration;
use crate::cli::tone::verdict;
use crate::cli::wait::{failure, until_over};

#[derive(Debug, Args)]
pub(super) struct Wait {
    /// The task
    id: i64,
    /// Give up after this long (60s, 5m), with exit code 1; otherwise never
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
}

impl Wait {
    pub async fn run(self, context: &Context) -> Done {
        let progress = Progress::start(&context.terminal, &format!("task {}", self.id));
        let task = until_over(&context.operator()?, self.id, self.timeout, &progress).await;
        drop(progress);
        let task = task?;
        if context.terminal.json {
            context.terminal.say_json(&task)?;
        }
        match failure(&task) {
            Some(failure) => Err(failure),
            None if context.terminal.json => Ok(()),
            None => {
                let verdict = verdict(&task.task).map(|verdict| format!(": {verdict}")).unwrap_or_default();
                context.terminal.say(format!("task {} done{verdict}", self.id))
            }
        }
    }
}
