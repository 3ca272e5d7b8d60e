//! The last line of a turn (`"type":"result"`): what came out, and what it cost.
//!
//! `subtype` says `success` also when every request failed; the truth is in `is_error`, `api_error_status` and, for a model that
//! declined, `stop_reason`. Numbers come from `modelUsage` where it is given: unlike `usage` it covers sub-agents, the last answer before a
//! budget stop, and all turns of the process.

use serde_json::Value;

use super::classify;
use crate::domain::budget::MicroUsd;
use crate::domain::failure::FailureClass;
use crate::domain::text::joined;
use crate::domain::time::Millis;
use crate::provider::fact::{Answer, Failure, Outcome, Usage};

/// What a failure's message may have, in bytes.
const MESSAGE_BYTES: usize = 500;

/// What the parser has seen before the result and the result does not repeat.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// The CLI's word for the last failed request.
    pub error_word: String,
    /// The allowance was refused, and is filled again then (if it said when).
    pub rejected: Option<Option<Millis>>,
}

/// The names of token counts in a message, in the order of [`tokens`].
pub const USAGE_NAMES: [&str; 4] = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];

/// The same in `modelUsage`.
const MODEL_USAGE_NAMES: [&str; 4] = ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"];

/// Reads a result line. Whether an answer without a structured result is one is not judged here: a turn before may have given it.
pub fn outcome(line: &Value, before: &Before) -> Outcome {
    let cost = MicroUsd::from_usd(line["total_cost_usd"].as_f64().unwrap_or(0.0));
    Outcome { result: verdict(line, before), cost }
}

/// The tokens that the process has used up to this result line, sub-agents included.
pub fn usage(line: &Value) -> Usage {
    match line["modelUsage"].as_object() {
        Some(models) if !models.is_empty() => {
            models.values().fold(Usage::default(), |sum, used| sum.plus(tokens(used, MODEL_USAGE_NAMES)))
        }
        _ => tokens(&line["usage"], USAGE_NAMES),
    }
}

fn verdict(line: &Value, before: &Before) -> Result<Answer, Failure> {
    let text = line["result"].as_str().unwrap_or_default();
    let errors = match line["errors"].as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        None => String::new(),
    };
    let said = if text.is_empty() { errors.as_str() } else { text };
    let fail = |class: FailureClass, message: &str| {
        let limited = matches!(class, FailureClass::UsageLimit | FailureClass::RateLimited);
        let resets_at = if limited { before.rejected.flatten() } else { None };
        Err(Failure { class, message: joined(message, MESSAGE_BYTES), resets_at })
    };

    if line["stop_reason"] == "refusal" {
        return fail(FailureClass::Refused, said);
    }
    match line["subtype"].as_str().unwrap_or_default() {
        "error_max_budget_usd" | "error_max_turns" => return fail(FailureClass::OverBudget, said),
        "error_max_structured_output_retries" => return fail(FailureClass::ResultMissing, said),
        "error_during_execution" if line["terminal_reason"].as_str().is_some_and(|why| why.starts_with("aborted")) => {
            return fail(FailureClass::Interrupted, "the turn was interrupted");
        }
        _ => {}
    }
    if line["is_error"] != false || line["subtype"] != "success" {
        let class = classify::request(line["api_error_status"].as_i64(), &before.error_word, said);
        // A stated reset is an allowance that is used up, whatever the words.
        let class = match (class, before.rejected) {
            (FailureClass::RateLimited, Some(Some(_))) => FailureClass::UsageLimit,
            (class, _) => class,
        };
        return fail(class, said);
    }
    let structured = line.get("structured_output").filter(|value| !value.is_null()).cloned();
    Ok(Answer { text: text.to_owned(), structured })
}

/// Reads token counts under the given names, in the order input, output, cache read, cache write.
pub fn tokens(from: &Value, [input, output, cache_read, cache_write]: [&str; 4]) -> Usage {
    let count = |name: &str| from[name].as_u64().unwrap_or(0);
    Usage { input: count(input), output: count(output), cache_read: count(cache_read), cache_write: count(cache_write) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_line_without_anything_in_it_is_a_failure() {
        let outcome = outcome(&json!({ "type": "result" }), &Before::default());
        assert_eq!(outcome.result.unwrap_err().class, FailureClass::Crashed);
    }
}
