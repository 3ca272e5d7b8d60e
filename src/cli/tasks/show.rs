//! `claude-tasks show`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::failure::Done;
use crate::cli::outline::outline;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::visible::visible;
use crate::cli::{event, export, time, tone};
use crate::domain::error::Error;
use crate::domain::failure::FailureClass;
use crate::domain::snapshot::Entry;
use crate::domain::task::Outcome;
use crate::domain::text::one_line;
use crate::domain::time::Millis;
use crate::protocol::tasks::TaskDetail;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The task
    id: i64,
    /// Print the newest of its artifacts with this name, control characters made visible
    #[arg(long, value_name = "NAME")]
    artifact: Option<String>,
}

impl Show {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        let task = operator.task(self.id).await?;
        if let Some(name) = self.artifact {
            let Some(found) = task.artifacts.iter().rev().find(|artifact| artifact.name == name) else {
                let error = Error::not_found(format!("task {} has no artifact {:?}", self.id, one_line(&name, 120)));
                return Err(error.hint(format!("`claude-tasks show {}` lists what it has", self.id)).into());
            };
            let entry = Entry { path: name, executable: false, size: found.size, sha256: found.sha256.clone() };
            let bytes = export::bytes(&operator, &entry).await?;
            return if context.terminal.json {
                context.terminal.say_json_line(&String::from_utf8_lossy(&bytes))
            } else {
                context.terminal.say(visible(&bytes))
            };
        }
        if context.terminal.json {
            return context.terminal.say_json(&task);
        }
        context.terminal.say(page(&context.terminal, &task, crate::clock::now()))
    }
}

fn page(terminal: &Terminal, detail: &TaskDetail, now: Millis) -> String {
    let mut page = head(terminal, detail, now);
    let mut part = |title: &str, body: String| {
        page.push(String::new());
        page.push(terminal.paint(Tone::Strong, title));
        page.push(body);
    };
    part("asked", outline(&detail.payload, 2));
    if let Some(result) = &detail.result {
        part("answered", outline(result, 2));
    }
    if let Some(feedback) = &detail.feedback {
        part("why the last attempt was refused", outline(&feedback.as_str().into(), 2));
    }
    if !detail.attempts.is_empty() {
        part("attempts", attempts(terminal, detail, now));
    }
    if !detail.artifacts.is_empty() {
        let mut table = Table::new(terminal, &["NAME", "BYTES", "SHA256"]);
        for artifact in &detail.artifacts {
            table.row([cell(&artifact.name), cell(artifact.size).right(), cell(one_line(&artifact.sha256, 12)).tone(Tone::Dim)]);
        }
        part("artifacts", table.show());
    }
    part("events", detail.events.iter().map(event::line).collect::<Vec<_>>().join("\n"));
    page.join("\n")
}

fn head(terminal: &Terminal, detail: &TaskDetail, now: Millis) -> Vec<String> {
    let task = &detail.task;
    let state = terminal.paint(tone::task_tone(task.state), task.state.as_str());
    let verdict = tone::verdict(task).map(|verdict| format!(": {verdict}")).unwrap_or_default();
    let mut lines =
        vec![format!("{}  {}  {state}{verdict}", terminal.paint(Tone::Strong, &format!("task {}", task.id)), task.kind)];
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
    field("priority", task.priority.to_string());
    field(
        "created",
        format!("{} ({} ago) by {}", time::moment(task.created_at), time::age(task.created_at, now), task.created_by),
    );
    if let Some(product) = task.product {
        let slug = detail.product_slug.as_deref().unwrap_or("?");
        field("product", format!("{slug} ({product}), round {}", task.round));
    }
    if let Some(parent) = detail.parent {
        field("because", format!("of task {parent}"));
    }
    if let Some(claim) = &task.claim {
        let session = claim.session.map(|id| format!(", session {id}")).unwrap_or_default();
        field("claim", format!("{} with token {}{session}", claim.agent, claim.token));
    }
    if task.attempts_spent > 0 || task.losses > 0 {
        field("spent", format!("{} attempts, lost {} times", task.attempts_spent, task.losses));
    }
    if !detail.needs.is_empty() {
        let needs: Vec<String> = detail.needs.iter().map(|need| format!("{} ({})", need.id, need.state)).collect();
        field("needs", needs.join(", "));
    }
    if let Some(stuck) = &detail.stuck {
        field("stuck", terminal.paint(Tone::Bad, &one_line(stuck, 400)));
    }
    if task.not_before > now {
        field("waits", format!("until {}", time::moment(task.not_before)));
    }
    if let Some(reason) = &task.reason {
        field("reason", one_line(reason, 400));
    }
    lines
}

fn attempts(terminal: &Terminal, detail: &TaskDetail, now: Millis) -> String {
    let mut table = Table::new(terminal, &["#", "AGENT", "MODEL", "OUTCOME", "TOOK", "TOKENS", "COST", "ABOUT"]);
    for attempt in &detail.attempts {
        let took = attempt.ended_at.unwrap_or(now).0.saturating_sub(attempt.started_at.0);
        let about = [attempt.class.map(FailureClass::name), attempt.detail.as_deref()];
        let about: Vec<String> = about.into_iter().flatten().map(|text| one_line(text, 160)).collect();
        table.row([
            cell(attempt.number).right(),
            cell(&attempt.agent),
            cell(&attempt.model),
            cell(attempt.outcome.map_or("under way", Outcome::as_str)),
            cell(time::span(took)),
            cell(attempt.tokens).right(),
            cell(format!("${:.4}", attempt.cost_usd)).right(),
            cell(about.join(": ")),
        ]);
    }
    table.show()
}
