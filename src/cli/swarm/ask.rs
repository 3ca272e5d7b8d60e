//! `claude-swarm ask` and `order`: a task of a person's own, and its answer.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::progress::Progress;
use crate::cli::time::duration;
use crate::cli::wait::{failure, until_over};
use crate::client::Operator;
use crate::domain::agent::AgentState;
use crate::domain::pipeline::words::{DIRECTIVE, ORDER, QUESTION, RESPOND_TO_HUMAN};
use crate::domain::text::clean;
use crate::protocol::tasks::{CreateTask, TaskDetail};

#[derive(Debug, Args)]
pub(super) struct Ask {
    /// The question
    question: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
pub(super) struct Order {
    /// The order
    order: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
struct Waiting {
    /// Do not wait for the answer
    #[arg(long)]
    no_wait: bool,
    /// Give up waiting after this long (60s, 5m), with exit code 1; otherwise never
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "no_wait")]
    timeout: Option<Duration>,
}

impl Ask {
    pub async fn run(self, context: &Context) -> Done {
        request(context, RESPOND_TO_HUMAN, json!({ QUESTION: self.question }), self.waiting).await
    }
}

impl Order {
    pub async fn run(self, context: &Context) -> Done {
        request(context, DIRECTIVE, json!({ ORDER: self.order }), self.waiting).await
    }
}

async fn request(context: &Context, kind: &str, payload: Value, waiting: Waiting) -> Done {
    let operator = context.operator()?;
    let terminal = &context.terminal;
    let kind = kind.to_owned();
    let task = CreateTask { kind: kind.clone(), priority: None, payload, needs: vec![], dedup_key: None, product: None };
    let created = operator.create_task(&task).await?;
    if waiting.no_wait {
        return if terminal.json {
            terminal.say_json_line(&created)
        } else {
            terminal.say(format!("task {0} created; `claude-tasks show {0}` shows the answer", created.id))
        };
    }
    if let Some(note) = nobody(&operator, &kind).await? {
        terminal.note(format!("task {} waits: {note}", created.id));
    }
    let progress = Progress::start(terminal, &format!("task {} waits", created.id));
    let task = until_over(&operator, created.id, waiting.timeout, &progress).await;
    drop(progress);
    let task = task?;
    if terminal.json {
        terminal.say_json(&task)?;
    }
    match failure(&task) {
        Some(failure) => Err(failure),
        None if terminal.json => Ok(()),
        None => terminal.say(answer(&task)),
    }
}

/// Why nobody will answer soon, if so.
async fn nobody(operator: &Operator, kind: &str) -> Done<Option<String>> {
    let types = operator.types().await?;
    let takers = types.into_iter().find(|it| it.name == kind).map(|it| it.agents).unwrap_or_default();
    let status = operator.status().await?;
    if let Some(why) = &status.halted {
        return Ok(Some(format!("everything is halted ({}); `claude-swarm start` ends that", clean(why))));
    }
    let works = |state| matches!(state, AgentState::Starting | AgentState::Idle | AgentState::Working | AgentState::Cooling);
    if status.agents.iter().any(|agent| takers.contains(&agent.name) && works(agent.state)) {
        return Ok(None);
    }
    Ok(takers.first().map(|taker| format!("no agent takes it now; `claude-swarm start {taker}` brings one")))
}

fn answer(task: &TaskDetail) -> String {
    let result = task.result.as_ref().unwrap_or(&Value::Null);
    let mut lines = vec![match result.get("answer").and_then(Value::as_str) {
        Some(answer) => clean(answer),
        None => crate::cli::outline::outline(result, 0),
    }];
    let scans = result.get("scans").and_then(Value::as_array).into_iter().flatten();
    for scan in scans {
        let text = |name: &str| scan.get(name).and_then(Value::as_str).map(clean).unwrap_or_default();
        lines.push(format!("  → scans {} for {}", text("platform"), text("topic")));
    }
    lines.join("\n")
}
