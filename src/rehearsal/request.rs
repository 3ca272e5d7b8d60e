//! What is read of the body of a request to the Messages API. The rest is skipped without being kept, so that a hostile body costs
//! only a few times its size in memory.
//!
//! Here: tolerant shapes. Not here: what the messages mean (that is `conversation.rs`).

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// The tool by which the CLI takes a result that is bound by a schema.
pub(super) const RESULT_TOOL: &str = "StructuredOutput";

/// A request for an answer.
#[derive(Debug, serde::Deserialize)]
pub(super) struct MessagesRequest {
    #[serde(default)]
    pub(super) model: String,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    tools: Option<Vec<Tool>>,
}

#[derive(Debug, serde::Deserialize)]
struct Tool {
    name: String,
}

/// One message of the conversation.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Message {
    pub(super) role: Role,
    #[serde(default)]
    pub(super) content: Content,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// The person, and the results of tools.
    User,
    /// The model, and texts that the CLI puts into its mouth.
    Assistant,
    /// The CLI.
    System,
    /// Someone unknown.
    #[serde(other)]
    Other,
}

/// A message's content; a plain string is one text block.
#[derive(Debug, Default)]
pub(super) struct Content(pub(super) Vec<Block>);

/// The blocks that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Something said.
    Text(String),
    /// A call of a tool.
    ToolUse { id: String, name: String },
    /// What a tool printed.
    ToolResult { id: String, text: String },
}

impl MessagesRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is no JSON, or not of this shape.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// Whether a result is to be handed in by a tool.
    pub(super) fn offers_result_tool(&self) -> bool {
        self.tools.iter().flatten().any(|tool| tool.name == RESULT_TOOL)
    }
}

impl Content {
    /// The texts, one to a line.
    fn text(self) -> String {
        let texts = self.0.into_iter().filter_map(|block| match block {
            Block::Text(text) => Some(text),
            Block::ToolUse { .. } | Block::ToolResult { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// Not derived: an untagged enum would keep the whole content twice.
struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a list of content blocks")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content(vec![Block::Text(text.to_owned())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        #[derive(serde::Deserialize)]
        struct Wire {
            r#type: String,
            text: Option<String>,
            id: Option<String>,
            name: Option<String>,
            tool_use_id: Option<String>,
            content: Option<Content>,
        }
        let mut blocks = Vec::new();
        while let Some(wire) = seq.next_element::<Wire>()? {
            match wire.r#type.as_str() {
                "text" => blocks.push(Block::Text(wire.text.unwrap_or_default())),
                "tool_use" => {
                    blocks.push(Block::ToolUse { id: wire.id.unwrap_or_default(), name: wire.name.unwrap_or_default() });
                }
                "tool_result" => {
                    let text = wire.content.unwrap_or_default().text();
                    blocks.push(Block::ToolResult { id: wire.tool_use_id.unwrap_or_default(), text });
                }
                _ => {}
            }
        }
        Ok(Content(blocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_a_string_or_blocks_and_the_rest_is_skipped() {
        let body = r#"{"model":"m","max_tokens":1,"thinking":{"type":"adaptive"},"messages":[
            {"role":"user","content":"hi"},
            {"role":"developer","content":[{"type":"image","source":{"data":"…"}},{"type":"text","text":"a","cache_control":{}}]},
            {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"1"},{"type":"text","text":"2"}]}]},
            {"role":"user","content":null}],
            "tools":[{"name":"Bash","input_schema":{}},{"name":"StructuredOutput"}]}"#;
        let request = MessagesRequest::parse(body.as_bytes()).unwrap();
        assert!(request.offers_result_tool());
        assert_eq!(request.stream, None);
        let blocks: Vec<(Role, &[Block])> =
            request.messages.iter().map(|message| (message.role, message.content.0.as_slice())).collect();
        let text = |text: &str| Block::Text(text.into());
        assert_eq!(blocks[0], (Role::User, [text("hi")].as_slice()));
        assert_eq!(blocks[1], (Role::Other, [text("a")].as_slice()));
        assert_eq!(blocks[2], (Role::Assistant, [Block::ToolUse { id: "t".into(), name: "Bash".into() }].as_slice()));
        assert_eq!(blocks[3], (Role::User, [Block::ToolResult { id: "t".into(), text: "1\n2".into() }].as_slice()));
        assert_eq!(blocks[4], (Role::User, [].as_slice()));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("null")]
    #[case("[]")]
    #[case("{}")]
    #[case(r#"{"messages":{}}"#)]
    #[case(r#"{"messages":[{"content":"x"}]}"#)]
    #[case(r#"{"messages":[{"role":"user","content":7}]}"#)]
    #[case(r#"{"messages":[{"role":"user","content":[7]}]}"#)]
    #[case(r#"{"messages":[],"stream":"yes"}"#)]
    fn what_is_no_request_is_refused(#[case] body: &str) {
        assert!(MessagesRequest::parse(body.as_bytes()).is_err());
    }

    #[test]
    fn deep_nesting_ends_in_an_error() {
        let deep =
            format!(r#"{{"messages":[{{"role":"user","content":{}"#, r#"[{"type":"tool_result","content":"#.repeat(100_000));
        assert!(MessagesRequest::parse(deep.as_bytes()).is_err());
    }
}
