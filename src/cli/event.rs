//! An event as a sentence for people.

use serde_json::Value;

use super::time::moment;
use crate::domain::event::Event;
use crate::domain::text::one_line;
use crate::domain::time::Millis;

/// One line: number, local time, what happened, by whom.
pub(crate) fn line(event: &Event) -> String {
    let by = if says_who(&event.kind) { String::new() } else { format!(" (by {})", one_line(&event.actor, 60)) };
    format!("{:>6}  {}  {}{by}", event.seq, moment(event.at), sentence(event))
}

/// Kinds whose sentence names whoever did it.
fn says_who(kind: &str) -> bool {
    matches!(
        kind,
        "task:claimed" | "task:started" | "task:validating" | "task:lost" | "agent:ready" | "agent:starting" | "agent:ended"
    ) || matches!(kind, "message:delivered" | "account:closed" | "account:ready" | "budget:exhausted" | "task:unblocked")
}

fn text(data: &Value, field: &str) -> Option<String> {
    match data.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(one_line(text, 200)),
        other => Some(one_line(&other.to_string(), 200)),
    }
}

/// What happened.
pub(crate) fn sentence(event: &Event) -> String {
    let data = &event.data;
    let get = |field: &str| text(data, field);
    let because = || get("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
    let task = || event.task.map_or_else(|| "a task".to_owned(), |id| format!("task {id}"));
    let agent = || event.agent.as_deref().map_or_else(|| "an agent".to_owned(), |name| one_line(name, 60));
    let approval = || event.approval.map_or_else(|| "an approval".to_owned(), |id| format!("approval {id}"));
    let product = || event.product.map_or_else(|| "a product".to_owned(), |id| format!("product {id}"));
    let or = |field: &str, default: &str| get(field).unwrap_or_else(|| default.to_owned());
    match event.kind.as_str() {
        "task:created" => format!("{} created: {}, priority {}", task(), or("type", "?"), or("priority", "?")),
        "task:claimed" => format!("{} claimed by {}, attempt {}", task(), agent(), or("attempt", "?")),
        "task:started" => format!("{} runs at {}", task(), agent()),
        "task:validating" => format!("{} is checked at {}", task(), agent()),
        "task:completed" => {
            let verdict = get("verdict").filter(|verdict| verdict != "done").map(|verdict| format!(": {verdict}"));
            format!("{} done{}", task(), verdict.unwrap_or_default())
        }
        "task:retrying" => {
            let class = get("class").map(|class| format!(" ({class})")).unwrap_or_default();
            let again = data.get("again_at").and_then(Value::as_i64).filter(|at| *at > event.at.0);
            let again = again.map(|at| format!("; again at {}", moment(Millis(at)))).unwrap_or_default();
            format!("{} failed and is tried again{class}{}{again}", task(), because())
        }
        "task:failed" => format!("{} failed for good{}", task(), because()),
        "task:lost" => format!("{} lost at {}{}", task(), agent(), because()),
        "task:cancelled" => format!("{} cancelled{}", task(), because()),
        "task:retried" => format!("{} started again from the beginning", task()),
        "task:depends" => format!("{} now waits for task {}", task(), or("needs", "?")),
        "task:unblocked" => format!("{} need not wait any more", task()),
        "agent:wanted" => format!("{} is wanted", agent()),
        "agent:unwanted" => format!("{} is no longer wanted", agent()),
        "agent:starting" => format!("{} starts", agent()),
        "agent:ready" => format!("{} is ready", agent()),
        "agent:ended" => format!("{} ended{}", agent(), because()),
        "agent:paused" => format!("{} paused", agent()),
        "agent:resumed" => format!("{} resumed", agent()),
        "agent:quarantined" => format!("{} put into quarantine{}", agent(), because()),
        "swarm:halted" => format!("everything halted{}", because()),
        "swarm:resumed" => "the halt is over".to_owned(),
        "approval:requested" => format!("{} asked for ({}): {}", approval(), or("kind", "?"), or("question", "?")),
        "approval:decided" => {
            let verb = if get("decision").as_deref() == Some("approve") { "approved" } else { "rejected" };
            format!("{} ({}) {verb}{}", approval(), or("kind", "?"), because())
        }
        "approval:withdrawn" => format!("{} withdrawn{}", approval(), because()),
        "product:started" => format!("{} started: {}", product(), or("title", "?")),
        "product:shelved" => format!("{} shelved{}", product(), because()),
        "publication:intended" => format!("{} is to be published at {}", product(), or("outlet", "?")),
        "publication:published" => format!("{} published: {}", product(), or("url", "?")),
        "message:sent" => format!("message {} sent to {}", or("message", "?"), agent()),
        "message:delivered" => format!("message {} delivered to {}", or("message", "?"), agent()),
        "account:closed" => {
            let until = data.get("until").and_then(Value::as_i64).filter(|at| *at > 0);
            let until = until.map(|at| format!(" until {}", moment(Millis(at)))).unwrap_or_default();
            format!("the account {} is closed: {}{until}{}", or("account", "?"), or("state", "?"), because())
        }
        "account:ready" => format!("the account {} can be used again", or("account", "?")),
        "budget:exhausted" => {
            format!("the day's money is spent: {} of {} US dollars", or("spent_usd", "?"), or("cap_usd", "?"))
        }
        "income:added" => {
            let amount = data.get("amount").and_then(Value::as_i64).map_or_else(|| "?".to_owned(), super::amount::show);
            format!("income {} entered: {amount} {}", or("income", "?"), or("currency", "?"))
        }
        other => unknown(other, event),
    }
}

/// A kind that this version does not know is shown as it is.
fn unknown(kind: &str, event: &Event) -> String {
    let mut said = vec![one_line(kind, 60)];
    said.extend(event.task.map(|id| format!("task {id}")));
    said.extend(event.agent.as_deref().map(|name| one_line(name, 60)));
    said.extend(event.product.map(|id| format!("product {id}")));
    said.extend(event.approval.map(|id| format!("approval {id}")));
    if !event.data.is_null() {
        said.push(one_line(&event.data.to_string(), 200));
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, data: Value) -> Event {
        let kind = kind.to_owned();
        let (task, agent, product, approval) = (Some(3), Some("hunter".into()), Some(2), Some(1));
        Event { seq: 7, at: Millis(0), kind, actor: "operator".into(), task, agent, product, approval, data }
    }

    #[test]
    fn sentences_say_what_happened() {
        for (kind, data, said) in [
            ("task:created", json!({"type": "research", "priority": 5}), "task 3 created: research, priority 5"),
            ("task:claimed", json!({"attempt": 2}), "task 3 claimed by hunter, attempt 2"),
            ("task:completed", json!({"verdict": "pass"}), "task 3 done: pass"),
            ("task:failed", json!({"reason": "no\nmore"}), "task 3 failed for good: no"),
            (
                "approval:decided",
                json!({"kind": "build", "decision": "reject", "reason": "dull"}),
                "approval 1 (build) rejected: dull",
            ),
            ("income:added", json!({"income": 4, "amount": -250, "currency": "EUR"}), "income 4 entered: -2.50 EUR"),
            ("moon:rose", json!({"a": 1}), "moon:rose task 3 hunter product 2 approval 1 {\"a\":1}"),
        ] {
            assert_eq!(sentence(&event(kind, data)), said);
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let shown = line(&event("agent:ended", json!({"reason": "a\nb\u{1b}[2J"})));
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}'), "{shown:?}");
        assert!(line(&event("agent:paused", Value::Null)).ends_with("hunter paused (by operator)"));
    }
}
