//! `claude-tasks list`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::{time, tone};
use crate::client::TaskQuery;
use crate::domain::text::one_line;
use crate::domain::time::Millis;
use crate::protocol::tasks::TaskView;

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only in this state
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only for this product
    #[arg(long, value_name = "ID")]
    product: Option<i64>,
    /// At most so many, up to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl List {
    pub async fn run(self, context: &Context) -> Done {
        let query = TaskQuery { state: self.state, kind: self.kind, product: self.product, limit: Some(self.limit) };
        let tasks = context.operator()?.tasks(&query).await?;
        if context.terminal.json {
            return context.terminal.say_json(&tasks);
        }
        if tasks.is_empty() {
            return context.terminal.say("no tasks");
        }
        context.terminal.say(table(&context.terminal, &tasks, crate::clock::now()))
    }
}

fn table(terminal: &Terminal, tasks: &[TaskView], now: Millis) -> String {
    let mut table = Table::new(terminal, &["ID", "TYPE", "STATE", "PRIORITY", "PRODUCT", "AGENT", "AGE", "ABOUT"]);
    for task in tasks {
        let about = match (tone::verdict(task), &task.reason) {
            (Some(verdict), _) => verdict.to_owned(),
            (None, Some(reason)) => one_line(reason, 120),
            (None, None) if task.not_before > now => format!("not before {}", time::moment(task.not_before)),
            (None, None) => String::new(),
        };
        table.row([
            cell(task.id).right(),
            cell(&task.kind),
            tone::task(task.state),
            cell(task.priority).right(),
            cell(task.product.map(|id| id.to_string()).unwrap_or_default()).right(),
            cell(task.claim.as_ref().map(|claim| claim.agent.clone()).unwrap_or_default()),
            cell(time::age(task.created_at, now)).tone(Tone::Dim),
            cell(about),
        ]);
    }
    table.show()
}
