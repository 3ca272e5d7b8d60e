//! `claude-swarm approval`: what exactly is asked, and the very bytes it is about.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::export;
use crate::cli::failure::Done;
use crate::cli::outline::outline;
use crate::cli::table::{Table, cell};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::time;
use crate::cli::visible::visible;
use crate::domain::approval::ApprovalState;
use crate::domain::error::Error;
use crate::domain::text::one_line;
use crate::domain::time::Millis;
use crate::protocol::approvals::ApprovalDetail;

#[derive(Debug, Args)]
pub(super) struct Approval {
    /// Its number
    id: i64,
    /// Print one of its files, control characters made visible; --export gives the exact bytes
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// Write its files into a new or empty folder
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    export: Option<PathBuf>,
}

impl Approval {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        let detail = operator.approval(self.id).await?;
        let terminal = &context.terminal;
        if let Some(path) = self.file {
            let Some(entry) = detail.files.iter().find(|entry| entry.path == path) else {
                let error = Error::not_found(format!("{:?} is none of its files", one_line(&path, 200)));
                return Err(error.hint(format!("`claude-swarm approval {}` lists them", self.id)).into());
            };
            let bytes = export::bytes(&operator, entry).await?;
            return if terminal.json {
                terminal.say_json_line(&String::from_utf8_lossy(&bytes))
            } else {
                terminal.say(visible(&bytes))
            };
        }
        if let Some(folder) = self.export {
            export::export(context, &operator, &detail.files, &folder).await?;
            let (count, shown) = (detail.files.len(), folder.display().to_string());
            return if terminal.json {
                terminal.say_json_line(&serde_json::json!({ "folder": shown, "files": count }))
            } else {
                terminal.say(format!("wrote {count} files into {shown}; they are an agent's work: look before you run them"))
            };
        }
        if terminal.json { terminal.say_json(&detail) } else { terminal.say(page(terminal, &detail, crate::clock::now())) }
    }
}

fn page(terminal: &Terminal, detail: &ApprovalDetail, now: Millis) -> String {
    let approval = &detail.approval;
    let state = terminal.paint(super::approvals::tone(approval.state), approval.state.as_str());
    let title = terminal.paint(Tone::Strong, &format!("approval {}", approval.id));
    let mut lines = vec![format!("{title}  {}  {state}", approval.kind), approval.question.clone()];
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
    let slug = approval.product_slug.as_deref().unwrap_or("?");
    let product = approval.product_title.as_deref().map(|title| format!(": {}", one_line(title, 120))).unwrap_or_default();
    field("product", format!("{slug} ({}){product}", approval.product));
    let asked = format!("{} ({} ago)", time::moment(approval.created_at), time::age(approval.created_at, now));
    field("asked", format!("{asked} by task {}", approval.task));
    if let Some(at) = approval.decided_at {
        let by = approval.decided_by.as_deref().unwrap_or("somebody");
        let reason = approval.reason.as_deref().map(|reason| format!(": {}", one_line(reason, 400))).unwrap_or_default();
        field("decided", format!("{} by {by}{reason}", time::moment(at)));
    }
    if let Some(snapshot) = &approval.snapshot {
        field("snapshot", snapshot.clone());
    }
    if approval.outdated {
        field(
            "note",
            "the product has other files by now; what is asked is about these, which were reviewed and tested".to_owned(),
        );
    }
    field("binding", approval.binding.clone());
    lines.push(String::new());
    lines.push(terminal.paint(Tone::Strong, "terms"));
    lines.push(outline(&approval.terms, 2));
    if !detail.files.is_empty() {
        lines.push(String::new());
        lines.push(terminal.paint(Tone::Strong, &format!("files ({})", detail.files.len())));
        let mut table = Table::new(terminal, &["BYTES", "", "PATH"]);
        for entry in &detail.files {
            table.row([cell(entry.size).right(), cell(if entry.executable { "x" } else { "" }), cell(&entry.path)]);
        }
        lines.push(table.show());
        lines.push(String::new());
        let id = approval.id;
        lines.push(format!("read one:     claude-swarm approval {id} --file PATH"));
        lines.push(format!("take all:     claude-swarm approval {id} --export DIR"));
    }
    if approval.state == ApprovalState::Open {
        lines.push(format!("say yes:      claude-swarm approve {}", approval.id));
        lines.push(format!("say no:       claude-swarm reject {} --reason \"…\"", approval.id));
    }
    lines.join("\n")
}
