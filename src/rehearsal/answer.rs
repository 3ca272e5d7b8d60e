//! An answer of the model that is played, and what it says it used.
//!
//! Here: the values and their plain JSON. Not here: choosing one (`script.rs`), the events of a stream (`stream.rs`).

use serde::Serialize;
use serde_json::{Value, json};

use super::yaml;

/// Bytes of JSON or text that make a token: the usual rule of thumb.
const BYTES_PER_TOKEN: usize = 4;

/// One whole answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) model: String,
    /// Never empty.
    pub(super) blocks: Vec<AnswerBlock>,
    pub(super) usage: Usage,
}

/// A block of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum AnswerBlock {
    /// Something said.
    Text(String),
    /// A call of a tool.
    ToolUse { id: String, name: String, input: Value },
}

/// Tokens used, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    pub(super) input_tokens: u64,
    pub(super) cache_creation_input_tokens: u64,
    pub(super) cache_read_input_tokens: u64,
    pub(super) output_tokens: u64,
}

impl Answer {
    /// Why the answer ends.
    pub(super) fn stop_reason(&self) -> &'static str {
        let calls = self.blocks.iter().any(|block| matches!(block, AnswerBlock::ToolUse { .. }));
        if calls { "tool_use" } else { "end_turn" }
    }

    /// The message as one JSON document.
    pub(super) fn to_json(&self) -> Value {
        let content: Vec<Value> = self.blocks.iter().map(AnswerBlock::to_json).collect();
        let mut message = self.opening();
        message["content"] = Value::Array(content);
        message["stop_reason"] = json!(self.stop_reason());
        message["usage"] = json!(self.usage);
        message
    }

    /// The message as it is before anything was said.
    pub(super) fn opening(&self) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": Usage { output_tokens: 1, ..self.usage },
        })
    }
}

impl AnswerBlock {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::ToolUse { id, name, input } => json!({"type": "tool_use", "id": id, "name": name, "input": input}),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::ToolUse { name, input, .. } => name.len().saturating_add(input.to_string().len()),
        }
    }
}

/// How many tokens so many bytes are taken for; never 0.
pub(super) fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u64::MAX).saturating_add(1)
}

impl Usage {
    /// What an answer is said to have used, from lengths alone, so that the same conversation costs the same each time. The model is taken to
    /// cache everything: the first request writes the cache, a later one reads it and writes what came since the last answer.
    pub(super) fn derive(body_bytes: usize, fresh_bytes: usize, is_first: bool, blocks: &[AnswerBlock]) -> Self {
        let fresh = tokens(fresh_bytes);
        let known = tokens(body_bytes).saturating_sub(fresh);
        let output_tokens = tokens(blocks.iter().map(AnswerBlock::bytes).sum());
        if is_first {
            Self { input_tokens: fresh, cache_creation_input_tokens: known, cache_read_input_tokens: 0, output_tokens }
        } else {
            Self { input_tokens: 3, cache_creation_input_tokens: fresh, cache_read_input_tokens: known, output_tokens }
        }
    }

    /// The same with the numbers that the scenario fixes.
    pub(super) fn with_fixed(self, fixed: &yaml::Usage) -> Self {
        Self {
            input_tokens: fixed.input_tokens.unwrap_or(self.input_tokens),
            cache_creation_input_tokens: fixed.cache_creation_input_tokens.unwrap_or(self.cache_creation_input_tokens),
            cache_read_input_tokens: fixed.cache_read_input_tokens.unwrap_or(self.cache_read_input_tokens),
            output_tokens: fixed.output_tokens.unwrap_or(self.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_follows_from_lengths() {
        let blocks = [AnswerBlock::Text("x".repeat(40))];
        let first = Usage::derive(4000, 400, true, &blocks);
        assert_eq!((first.input_tokens, first.cache_creation_input_tokens, first.cache_read_input_tokens), (101, 900, 0));
        let later = Usage::derive(4400, 400, false, &blocks);
        assert_eq!((later.input_tokens, later.cache_creation_input_tokens, later.cache_read_input_tokens), (3, 101, 1000));
        assert_eq!(later.output_tokens, 11);
        let fixed = later.with_fixed(&yaml::Usage { output_tokens: Some(7), ..yaml::Usage::default() });
        assert_eq!(fixed, Usage { output_tokens: 7, ..later });
    }
}
