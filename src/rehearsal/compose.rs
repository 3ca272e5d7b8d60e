//! What an answer says and calls: a turn with its templates filled.
//!
//! Here: the blocks. Not here: which turn (`progress.rs`), how it fails (`failures.rs`).

use serde_json::Value;

use super::answer::AnswerBlock;
use super::conversation::Conversation;
use super::progress::{Progress, call_id};
use super::request::RESULT_TOOL;
use super::scenario::{Act, Scenario, Script, Turn};
use super::template::{Context, NoValue};

/// Said when a script has ended and has no result.
const NOTHING_LEFT: &str = "Nothing more to say.";

/// The blocks of the answer that is next.
pub(super) fn blocks(
    scenario: &Scenario,
    script: &Script,
    conversation: &Conversation,
    progress: &Progress,
    offers_result_tool: bool,
    unique: &str,
) -> Result<Vec<AnswerBlock>, Unfilled> {
    let task = conversation.task.as_ref().map_or(&Value::Null, |task| &task.json);
    let message = conversation.person.join("\n");
    let context = Context { task, last_tool_result: conversation.last_tool_result.as_deref(), message: None };
    let mut blocks = Vec::new();
    if let Some(acknowledge) = &scenario.acknowledge
        && !message.is_empty()
    {
        push_text(&mut blocks, acknowledge.fill(Context { message: Some(&message), ..context })?);
    }
    let planned = script.turns.get(progress.turn);
    // What a crash left of this turn was said already.
    if let Some(say) = planned.and_then(|turn| turn.say.as_ref())
        && progress.done_calls.is_empty()
    {
        push_text(&mut blocks, say.fill(context)?);
    }
    let call = |call: usize, name: &str, input: Value| AnswerBlock::ToolUse {
        id: call_id(progress.turn, call, unique),
        name: name.to_owned(),
        input,
    };
    match planned.map_or_else(|| last_result(&script.turns), |turn| Some(&turn.act)) {
        Some(Act::Tools(tools)) => {
            for (number, tool) in tools.iter().enumerate().filter(|(number, _)| !progress.done_calls.contains(number)) {
                blocks.push(call(number, &tool.name, tool.input.fill(context)?));
            }
        }
        Some(Act::Result(result)) => {
            let result = result.fill(context)?;
            if !result.is_object() {
                return Err(Unfilled::NoMapping);
            }
            if offers_result_tool {
                blocks.push(call(0, RESULT_TOOL, result));
            } else {
                push_text(&mut blocks, result.to_string());
            }
        }
        Some(Act::Nothing) => {}
        None => push_text(&mut blocks, NOTHING_LEFT.to_owned()),
    }
    if blocks.is_empty() {
        // The protocol has no answer without content.
        push_text(&mut blocks, "…".to_owned());
    }
    Ok(blocks)
}

/// The result that is handed in again when a script has ended.
fn last_result(turns: &[Turn]) -> Option<&Act> {
    turns.iter().rev().map(|turn| &turn.act).find(|act| matches!(act, Act::Result(_)))
}

fn push_text(blocks: &mut Vec<AnswerBlock>, text: String) {
    if !text.is_empty() {
        blocks.push(AnswerBlock::Text(text));
    }
}

/// Why a turn cannot be played for this request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfilled {
    #[error(transparent)]
    NoValue(#[from] NoValue),
    #[error("the template that stands for the `result` is no mapping here")]
    NoMapping,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn compose(scenario: &str, turn: usize, done_calls: &[usize]) -> Vec<AnswerBlock> {
        let scenario = Scenario::parse(scenario).unwrap();
        let conversation = Conversation::read(&[]).unwrap();
        let progress = Progress { turn, done_calls: BTreeSet::from_iter(done_calls.iter().copied()) };
        blocks(&scenario, scenario.otherwise.as_ref().unwrap(), &conversation, &progress, true, "u").unwrap()
    }

    #[test]
    fn a_turn_that_a_crash_cut_off_is_not_said_again() {
        let scenario = "{name: n, otherwise: [{say: both, tools: [{name: A}, {name: B}]}]}";
        let call = |at: usize, name: &str| AnswerBlock::ToolUse {
            id: format!("toolu_rehearsal_0_{at}_u"),
            name: name.to_owned(),
            input: serde_json::json!({}),
        };
        assert_eq!(compose(scenario, 0, &[]), [AnswerBlock::Text("both".to_owned()), call(0, "A"), call(1, "B")]);
        assert_eq!(compose(scenario, 0, &[0]), [call(1, "B")]);
    }

    #[test]
    fn an_answer_is_never_empty() {
        assert_eq!(compose("{name: n, otherwise: [{say: ''}]}", 0, &[]), [AnswerBlock::Text("…".to_owned())]);
        assert_eq!(compose("{name: n, otherwise: [{say: hi}]}", 1, &[]), [AnswerBlock::Text(NOTHING_LEFT.to_owned())]);
    }
}
