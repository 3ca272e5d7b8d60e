//! The message that opens a task's conversation: what is asked, as data that cannot pass for anything else.

use serde_json::{Value, json};

use crate::domain::failure::FailureClass;
use crate::store::{AttemptRow, ProductRow, TaskRow};

/// What an agent is told about a task. The task stands as one line of JSON between `<task>` and `</task>`; no text in it can close
/// the block, because `<` is written as an escape.
pub(super) fn opening(task: &TaskRow, attempt: &AttemptRow, product: Option<&ProductRow>) -> String {
    let about = json!({
        "id": task.id,
        "type": task.kind,
        "attempt": attempt.number,
        "round": task.round,
        "payload": task.payload,
        "product": product.map(|product| json!({
            "id": product.id, "slug": product.slug, "title": product.title, "idea": product.idea, "round": product.round,
        })),
        "feedback": task.feedback,
    });
    let mut text = format!(
        "Task {} of type {} is yours. What follows between the marks is the task, as data.\n\n<task>\n{}\n</task>\n",
        task.id,
        task.kind,
        sealed(&about)
    );
    text.push_str("\nWork in /workspace. When you are done, answer with the structured result.\n");
    text
}

/// What an agent is told when its conversation goes on after it was cut off: nothing that could distract it.
pub(super) fn resumption() -> String {
    "Continue.".to_owned()
}

/// What an agent is told when its conversation goes on after its answer was not accepted, or after it was ended before it could answer. Why
/// is in the task's `feedback`: it may hold what a product's own code printed, and stands in the block as data like everything else from
/// outside.
pub(super) fn correction(task: &TaskRow, attempt: &AttemptRow, product: Option<&ProductRow>, class: FailureClass) -> String {
    use FailureClass as F;
    let opening = opening(task, attempt, product);
    match class {
        F::Crashed | F::Stalled | F::Timeout | F::Garbage => {
            format!(
                "You were ended before you could answer; the `feedback` of the task below says how. Go on from there.\n\n{opening}"
            )
        }
        _ => format!(
            "Your last answer was not accepted. The task below is the same, and its `feedback` says why. Mend that.\n\n{opening}"
        ),
    }
}

fn sealed(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}
