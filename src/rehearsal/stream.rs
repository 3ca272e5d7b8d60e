//! An answer as the server-sent events of the Messages API.
//!
//! Here: which events, in which order, with which text, and before which of them a watcher may wait. Not here: waiting (`playback.rs`).

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::answer::{Answer, AnswerBlock};

/// About how many characters of text come with one event: a few words, so that a watcher sees somebody talk.
const TEXT_CHARS: usize = 24;
/// About how many characters of a tool's input come with one event.
const INPUT_CHARS: usize = 256;

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The bytes on the wire.
    pub(super) wire: String,
    /// Whether it brings a further piece of a text or an input, before which a pause looks natural.
    pub(super) is_piece: bool,
}

/// All events of an answer.
pub(super) fn events(answer: &Answer) -> VecDeque<Event> {
    let mut events = VecDeque::new();
    let mut push = |is_piece: bool, data: Value| {
        let name = data["type"].as_str().unwrap_or_default().to_owned();
        events.push_back(Event { wire: format!("event: {name}\ndata: {data}\n\n"), is_piece });
    };
    push(false, json!({"type": "message_start", "message": answer.opening()}));
    for (index, block) in answer.blocks.iter().enumerate() {
        let (start, deltas) = match block {
            AnswerBlock::Text(text) => {
                let deltas: Vec<Value> =
                    pieces(text, TEXT_CHARS).map(|piece| json!({"type": "text_delta", "text": piece})).collect();
                (json!({"type": "text", "text": ""}), deltas)
            }
            AnswerBlock::ToolUse { id, name, input } => {
                let input = input.to_string();
                let deltas =
                    pieces(&input, INPUT_CHARS).map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect();
                (json!({"type": "tool_use", "id": id, "name": name, "input": {}}), deltas)
            }
        };
        push(false, json!({"type": "content_block_start", "index": index, "content_block": start}));
        for delta in deltas {
            push(true, json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        push(false, json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": answer.stop_reason(), "stop_sequence": null});
    push(false, json!({"type": "message_delta", "delta": delta, "usage": answer.usage}));
    push(false, json!({"type": "message_stop"}));
    events
}

/// Cuts a text into pieces of about `chars` characters, behind a space where there is one.
fn pieces(text: &str, chars: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let most = rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
        let at = if most == rest.len() { most } else { rest[..most].rfind(' ').map_or(most, |space| space + 1) };
        let (piece, after) = rest.split_at(at);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::super::answer::Usage;
    use super::*;

    #[test]
    fn an_answer_becomes_the_events_of_the_protocol() {
        let usage = Usage { input_tokens: 3, cache_creation_input_tokens: 2, cache_read_input_tokens: 1, output_tokens: 9 };
        let call = AnswerBlock::ToolUse { id: "t".into(), name: "Bash".into(), input: json!({"command": "ls"}) };
        let blocks = vec![AnswerBlock::Text("I look at what is here first.".into()), call];
        let answer = Answer { id: "msg_1".into(), model: "m".into(), blocks, usage };
        let wire: String = events(&answer).into_iter().map(|event| event.wire).collect();
        insta::assert_snapshot!(wire, @r#"
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":1}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I look at what is here "}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"first."}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"Bash","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"command\":\"ls\"}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":1}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":9}}

        event: message_stop
        data: {"type":"message_stop"}
        "#);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("a")]
    #[case("ééééé ☃☃☃☃☃☃☃☃☃☃ abc")]
    #[case("   leading and trailing   ")]
    fn pieces_make_up_the_text(#[case] text: &str) {
        for chars in 1..12 {
            let cut: Vec<&str> = pieces(text, chars).collect();
            assert_eq!(cut.concat(), text);
            assert!(cut.iter().all(|piece| !piece.is_empty() && piece.chars().count() <= chars), "{cut:?}");
        }
    }
}
