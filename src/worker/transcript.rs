//! The transcript: what the CLI streams, as lines that a person can follow.

use super::pane::{Pane, Tone};
use crate::domain::budget::Usage;
use crate::domain::text;
use crate::provider::{Fact, LimitStatus};

/// Lines of a tool's answer that are shown.
const TOOL_LINES: usize = 6;

/// The tool by which the CLI takes the structured result.
const RESULT: &str = "StructuredOutput";

/// What a result says, as a person would put it: the verdict, then the sentence that sums it up.
fn result(input: &serde_json::Value) -> String {
    let one_line = |text: &str| text::one_line(&text.split_whitespace().collect::<Vec<_>>().join(" "), 400);
    let field = |names: &[&str]| names.iter().find_map(|name| input.get(name)?.as_str()).map(one_line);
    let verdict = field(&["verdict"]).map(|verdict| format!("{verdict} · ")).unwrap_or_default();
    let words = field(&["summary", "answer", "reasons", "tagline", "title"]);
    format!("result: {verdict}{}", words.unwrap_or_else(|| one_line(&input.to_string())))
}

/// Shows what a fact says, if it says anything to a person.
pub(super) fn show(pane: &mut Pane, fact: &Fact) {
    match fact {
        Fact::Started { model, version, .. } => pane.show(Tone::Dim, "", &format!("{model} · claude {version}")),
        Fact::Said { text, within } => pane.show(if within.is_some() { Tone::Dim } else { Tone::Plain }, "●", text),
        Fact::ToolCalled { name, input, .. } if name == RESULT => pane.show(Tone::Title, "◆", &result(input)),
        Fact::ToolReturned { ok: true, head, .. } if head.starts_with("Structured output") => {}
        Fact::ToolCalled { name, summary, .. } => pane.show(Tone::Tool, "⚒", &format!("{name}  {summary}")),
        Fact::ToolReturned { ok, head, .. } => {
            let lines: Vec<&str> = head.lines().take(TOOL_LINES).collect();
            let (tone, mark) = if *ok { (Tone::Dim, "↳") } else { (Tone::Bad, "✗") };
            pane.show(tone, mark, if lines.is_empty() { "(nothing)".to_owned() } else { lines.join("\n") }.as_str());
        }
        Fact::Retrying { class, attempt, max, delay_ms } => {
            pane.show(Tone::Warn, "!", &format!("{class}: trying again ({attempt} of {max}) in {delay_ms} ms"));
        }
        Fact::Limit { status: LimitStatus::Allowed, .. } => {}
        Fact::Limit { status, kind, .. } => {
            pane.show(Tone::Warn, "!", &format!("limit {}: {status:?}", kind.as_deref().unwrap_or("of the account")));
        }
        Fact::Delivered { text, .. } if text.starts_with("Message from") => pane.show(Tone::Warn, "✉", text),
        Fact::Garbage { head } => pane.show(Tone::Bad, "?", head),
        Fact::Thinking | Fact::Progress | Fact::Delivered { .. } | Fact::Usage(_) | Fact::Finished(_) | Fact::Unknown { .. } => {}
    }
}

/// `12 345 tokens (1 200 in, 42 out, 400 cached) · $0.0045`.
pub(super) fn cost(usage: &Usage, usd: f64) -> String {
    format!(
        "{} tokens ({} in, {} out, {} cached) · ${usd:.4}",
        usage.total(),
        usage.input + usage.cache_write,
        usage.output,
        usage.cache_read
    )
}
