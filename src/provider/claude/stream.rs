//! The lines of a running CLI, one by one.
//!
//! An answer of several blocks comes as several `assistant` lines with the same message id, each with the same token counts: a
//! message is counted once, at the greatest it said.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::result::{self, Before, USAGE_NAMES, tokens};
use super::{classify, summary};
use crate::domain::text::{clean, clip, joined};
use crate::domain::time::Millis;
use crate::provider::fact::{Fact, LimitStatus, Usage};
use crate::provider::{MAX_LINE_BYTES, Parser};

/// The most bytes of what the model said in one block that are kept.
const SAID_BYTES: usize = 64 * 1024;
/// The most bytes of what a tool returned that are kept.
const RETURNED_BYTES: usize = 4 * 1024;
/// The most lines of what a tool returned that are kept.
const RETURNED_LINES: usize = 20;
/// The most bytes of one text in a tool's input that are kept.
const INPUT_TEXT_BYTES: usize = 2 * 1024;
/// The most members or elements of one object or list in a tool's input that are kept.
const INPUT_MEMBERS: usize = 64;
/// The most messages whose counts are held apart.
const MESSAGES: usize = 1024;

/// Turns the lines of one process into facts. See [`Parser`].
#[derive(Debug, Default)]
pub struct StreamParser {
    before: Before,
    /// Tokens of what is settled: earlier turns, and messages that are no longer held apart.
    settled: Usage,
    /// Tokens of each message since then, by message id.
    messages: HashMap<String, Usage>,
    /// The message that is being written, by the tool call of the sub-agent that writes it.
    writing: HashMap<Option<String>, String>,
    reported: Usage,
}

impl StreamParser {
    fn read(&mut self, line: &Value) -> Vec<Fact> {
        let kind = line["type"].as_str().unwrap_or_default();
        match kind {
            "assistant" => self.assistant(line),
            "user" => user(line),
            "stream_event" => self.part(line),
            "system" => self.system(line),
            "rate_limit_event" => vec![self.limit(&line["rate_limit_info"])],
            "result" => self.result(line),
            other => vec![Fact::Unknown { kind: joined(other, 100) }],
        }
    }

    fn assistant(&mut self, line: &Value) -> Vec<Fact> {
        let message = &line["message"];
        if let Some(word) = line["error"].as_str() {
            self.before.error_word = joined(word, 100);
        }
        // The CLI's own words in the model's place: an error that the result repeats.
        if message["model"] == "<synthetic>" {
            return vec![Fact::Progress];
        }
        self.before.error_word.clear();
        let within = within(line);
        let mut facts: Vec<Fact> = blocks(&message["content"])
            .filter_map(|block| match block["type"].as_str().unwrap_or_default() {
                "text" => {
                    let text = clip(&clean(block["text"].as_str().unwrap_or_default()), SAID_BYTES);
                    (!text.trim().is_empty()).then(|| Fact::Said { text, within: within.clone() })
                }
                "thinking" | "redacted_thinking" => Some(Fact::Thinking),
                "tool_use" | "server_tool_use" => {
                    let name = text_of(&block["name"], 100);
                    Some(Fact::ToolCalled {
                        id: text_of(&block["id"], 100),
                        summary: summary::summary(&name, &block["input"]),
                        name,
                        input: shortened(&block["input"], 0),
                        within: within.clone(),
                    })
                }
                _ => None,
            })
            .collect();
        if let Some(id) = message["id"].as_str() {
            self.count(id, tokens(&message["usage"], USAGE_NAMES));
        }
        facts.extend(self.usage_fact());
        facts
    }

    /// A part of an answer. Only its token counts are of use: they are exact here, and not in the `assistant` lines.
    fn part(&mut self, line: &Value) -> Vec<Fact> {
        let event = &line["event"];
        let writer = within(line);
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                if let Some(id) = event["message"]["id"].as_str() {
                    self.count(id, tokens(&event["message"]["usage"], USAGE_NAMES));
                    if self.writing.len() >= MESSAGES {
                        self.writing.clear();
                    }
                    self.writing.insert(writer, clip(id, 100));
                }
            }
            "message_delta" => {
                if let Some(id) = self.writing.get(&writer).cloned() {
                    self.count(&id, tokens(&event["usage"], USAGE_NAMES));
                }
            }
            _ => {}
        }
        let mut facts = vec![Fact::Progress];
        facts.extend(self.usage_fact());
        facts
    }

    fn system(&mut self, line: &Value) -> Vec<Fact> {
        match line["subtype"].as_str().unwrap_or_default() {
            "init" => vec![Fact::Started {
                conversation: text_of(&line["session_id"], 100),
                model: text_of(&line["model"], 100),
                version: text_of(&line["claude_code_version"], 100),
            }],
            "api_retry" => vec![Fact::Retrying {
                class: classify::retry(line["error_status"].as_i64(), line["error"].as_str().unwrap_or_default()),
                attempt: small(&line["attempt"]),
                max: small(&line["max_retries"]),
                delay_ms: i64::from(small(&line["retry_delay_ms"])),
            }],
            "thinking_tokens" => vec![Fact::Thinking],
            "status" | "task_started" | "task_progress" | "task_updated" | "task_notification" => vec![Fact::Progress],
            other => vec![Fact::Unknown { kind: joined(&format!("system/{other}"), 100) }],
        }
    }

    fn limit(&mut self, info: &Value) -> Fact {
        let resets_at = info["resetsAt"].as_i64().map(|seconds| Millis(seconds.saturating_mul(1000)));
        let status = match info["status"].as_str().unwrap_or_default() {
            "rejected" => LimitStatus::Rejected,
            "allowed_warning" => LimitStatus::Warning,
            _ => LimitStatus::Allowed,
        };
        self.before.rejected = (status == LimitStatus::Rejected).then_some(resets_at);
        Fact::Limit { status, kind: info["rateLimitType"].as_str().map(|kind| joined(kind, 100)), resets_at }
    }

    fn result(&mut self, line: &Value) -> Vec<Fact> {
        let outcome = result::outcome(line, &self.before);
        // The process's own sum is the truth. What was counted on the way stands where it is more: an interrupted answer.
        self.settled = self.usage().max(result::usage(line));
        self.messages.clear();
        self.writing.clear();
        self.before = Before::default();
        let mut facts: Vec<Fact> = self.usage_fact().into_iter().collect();
        facts.push(Fact::Finished(Box::new(outcome)));
        facts
    }

    fn count(&mut self, message: &str, used: Usage) {
        if self.messages.len() >= MESSAGES && !self.messages.contains_key(message) {
            self.settled = self.usage();
            self.messages.clear();
        }
        let counted = self.messages.entry(clip(message, 100)).or_default();
        *counted = counted.max(used);
    }

    fn usage_fact(&mut self) -> Option<Fact> {
        let now = self.usage();
        (now != self.reported).then(|| {
            self.reported = now;
            Fact::Usage(now)
        })
    }
}

impl Parser for StreamParser {
    fn feed(&mut self, line: &[u8]) -> Vec<Fact> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Vec::new();
        }
        if line.len() > MAX_LINE_BYTES {
            return vec![garbage(line)];
        }
        // Bytes that are not UTF-8 are replaced rather than refused: they are in what a tool printed, not in the structure.
        match serde_json::from_str::<Value>(&String::from_utf8_lossy(line)) {
            Ok(value) if value.is_object() => self.read(&value),
            _ => vec![garbage(line)],
        }
    }

    fn usage(&self) -> Usage {
        self.messages.values().fold(self.settled, |sum, one| sum.plus(*one))
    }
}

fn garbage(line: &[u8]) -> Fact {
    let head = &line[..line.len().min(1024)];
    Fact::Garbage { head: joined(&String::from_utf8_lossy(head), 200) }
}

fn user(line: &Value) -> Vec<Fact> {
    let content = &line["message"]["content"];
    if line["isReplay"] == true {
        let text = match content.as_str() {
            Some(text) => text.to_owned(),
            None => plain_text(content),
        };
        let id = line["uuid"].as_str().and_then(|id| Uuid::try_parse(id).ok());
        return vec![Fact::Delivered { id, text: clip(&clean(&text), RETURNED_BYTES) }];
    }
    let returned: Vec<Fact> = blocks(content)
        .filter(|block| block["type"] == "tool_result")
        .map(|block| Fact::ToolReturned {
            id: text_of(&block["tool_use_id"], 100),
            ok: block["is_error"] != true,
            head: head(&block["content"]),
            within: within(line),
        })
        .collect();
    if returned.is_empty() { vec![Fact::Progress] } else { returned }
}

/// The first lines of what a tool returned.
fn head(content: &Value) -> String {
    let text = match content.as_str() {
        Some(text) => clip(text, RETURNED_BYTES * 2),
        None => plain_text(content),
    };
    let lines: Vec<&str> = text.lines().take(RETURNED_LINES).collect();
    clip(&clean(&lines.join("\n")), RETURNED_BYTES)
}

/// The texts among a list of blocks.
fn plain_text(content: &Value) -> String {
    let texts: Vec<String> =
        blocks(content).filter_map(|block| block["text"].as_str()).map(|text| clip(text, RETURNED_BYTES * 2)).collect();
    texts.join("\n")
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

fn within(line: &Value) -> Option<String> {
    line["parent_tool_use_id"].as_str().map(|id| clip(id, 100))
}

fn text_of(value: &Value, most: usize) -> String {
    joined(value.as_str().unwrap_or_default(), most)
}

/// A number that may be a fraction, cut to a whole one.
fn small(value: &Value) -> u32 {
    let number = value.as_f64().unwrap_or(0.0).clamp(0.0, f64::from(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let whole = number as u32;
    whole
}

/// The value with long texts cut, long lists ended and deep nesting left out.
fn shortened(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => Value::String(clip(text, INPUT_TEXT_BYTES)),
        Value::Array(_) | Value::Object(_) if depth > 8 => Value::String("…".to_owned()),
        Value::Array(list) => list.iter().take(INPUT_MEMBERS).map(|one| shortened(one, depth + 1)).collect(),
        Value::Object(members) => members
            .iter()
            .take(INPUT_MEMBERS)
            .map(|(name, one)| (clip(name, 200), shortened(one, depth + 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
