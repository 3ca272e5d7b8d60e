//! An event as a sentence for people.

use serde_json::Value;

use super::time::moment;
use crate::domain::event::{Event, EventKind};
use crate::domain::text::one_line;
use crate::domain::time::Millis;

/// One line: number, local time, what happened, by whom.
pub(crate) fn line(event: &Event) -> String {
    let by =
        if event.known().is_some_and(needs_no_actor) { String::new() } else { format!(" (by {})", one_line(&event.actor, 60)) };
    format!("{:>6}  {}  {}{by}", event.seq, moment(event.at), sentence(event))
}

/// Kinds of which nobody needs to be told who did it: the sentence names the agent, or nobody but the daemon ever does it. (That an
/// account is ready again is not among them: a person may have said so.)
fn needs_no_actor(kind: EventKind) -> bool {
    use EventKind as K;
    matches!(
        kind,
        K::TaskClaimed
            | K::TaskStarted
            | K::TaskValidating
            | K::TaskLost
            | K::TaskUnblocked
            | K::TaskReleased
            | K::AgentStarting
            | K::AgentReady
            | K::AgentEnded
            | K::MessageDelivered
            | K::AccountClosed
            | K::BudgetExhausted
    )
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
    let Some(kind) = event.known() else { return unknown(event) };
    match kind {
        EventKind::TaskCreated => format!("{} created: {}, priority {}", task(), or("type", "?"), or("priority", "?")),
        EventKind::TaskClaimed => format!("{} claimed by {}, attempt {}", task(), agent(), or("attempt", "?")),
        EventKind::TaskStarted => format!("{} runs at {}", task(), agent()),
        EventKind::TaskValidating => format!("{} is checked at {}", task(), agent()),
        EventKind::TaskCompleted => {
            let verdict = get("verdict").filter(|verdict| verdict != "done").map(|verdict| format!(": {verdict}"));
            format!("{} done{}", task(), verdict.unwrap_or_default())
        }
        EventKind::TaskRetrying => {
            let class = get("class").map(|class| format!(" ({class})")).unwrap_or_default();
            let again = data.get("again_at").and_then(Value::as_i64).filter(|at| *at > event.at.0);
            let again = again.map(|at| format!("; again at {}", moment(Millis(at)))).unwrap_or_default();
            format!("{} failed and is tried again{class}{}{again}", task(), because())
        }
        EventKind::TaskFailed => format!("{} failed for good{}", task(), because()),
        EventKind::TaskLost => format!("{} lost at {}{}", task(), agent(), because()),
        EventKind::TaskReleased => format!("nothing of {} runs any more at {}", task(), agent()),
        EventKind::TaskCancelled => format!("{} cancelled{}", task(), because()),
        EventKind::TaskRetried => format!("{} started again from the beginning", task()),
        EventKind::TaskDepends => format!("{} now waits for task {}", task(), or("needs", "?")),
        EventKind::TaskUnblocked => format!("{} need not wait any more", task()),
        EventKind::AgentWanted => format!("{} is wanted", agent()),
        EventKind::AgentUnwanted => format!("{} is no longer wanted", agent()),
        EventKind::AgentStarting => format!("{} starts", agent()),
        EventKind::AgentReady => format!("{} is ready", agent()),
        EventKind::AgentEnded => format!("{} ended{}", agent(), because()),
        EventKind::AgentPaused => format!("{} paused", agent()),
        EventKind::AgentResumed => format!("{} resumed", agent()),
        EventKind::AgentQuarantined => format!("{} put into quarantine{}", agent(), because()),
        EventKind::SwarmHalted => format!("everything halted{}", because()),
        EventKind::SwarmHaltLifted => "the halt is over".to_owned(),
        EventKind::ApprovalRequested => format!("{} asked for ({}): {}", approval(), or("kind", "?"), or("question", "?")),
        EventKind::ApprovalDecided => {
            let verb = if get("decision").as_deref() == Some("approve") { "approved" } else { "rejected" };
            format!("{} ({}) {verb}{}", approval(), or("kind", "?"), because())
        }
        EventKind::ApprovalWithdrawn => format!("{} withdrawn{}", approval(), because()),
        EventKind::ProductStarted => format!("{} started: {}", product(), or("title", "?")),
        EventKind::ProductRound => format!("{} goes into round {}", product(), or("round", "?")),
        EventKind::ProductShelved => format!("{} shelved{}", product(), because()),
        EventKind::PublicationIntended => format!("{} is to be published at {}", product(), or("outlet", "?")),
        EventKind::PublicationSending => format!("{} is being sent to {}", product(), or("outlet", "?")),
        EventKind::PublicationPublished => format!("{} published: {}", product(), or("url", "?")),
        EventKind::PublicationFailed => format!("{} was not published{}", product(), because()),
        EventKind::MessageSent => format!("message {} sent to {}", or("message", "?"), agent()),
        EventKind::MessageDelivered => format!("message {} delivered to {}", or("message", "?"), agent()),
        EventKind::AccountClosed => {
            let until = data.get("until").and_then(Value::as_i64).filter(|at| *at > 0);
            let until = until.map(|at| format!(" until {}", moment(Millis(at)))).unwrap_or_default();
            format!("the account {} is closed: {}{until}{}", or("account", "?"), or("state", "?"), because())
        }
        EventKind::AccountReady => format!("the account {} can be used again", or("account", "?")),
        EventKind::BudgetExhausted => {
            format!("the day's money is spent: {} of {} US dollars", or("spent_usd", "?"), or("cap_usd", "?"))
        }
        EventKind::IncomeAdded => {
            let amount = data.get("amount_cents").and_then(Value::as_i64).map_or_else(|| "?".to_owned(), super::amount::show);
            format!("income {} entered: {amount} {}", or("income", "?"), or("currency", "?"))
        }
    }
}

/// A kind that this version does not know is shown as it is.
fn unknown(event: &Event) -> String {
    let mut said = vec![one_line(&event.kind, 60)];
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
            ("income:added", json!({"income": 4, "amount_cents": -250, "currency": "EUR"}), "income 4 entered: -2.50 EUR"),
            ("publication:sending", json!({"outlet": "local", "kind": "publish"}), "product 2 is being sent to local"),
            ("moon:rose", json!({"a": 1}), "moon:rose task 3 hunter product 2 approval 1 {\"a\":1}"),
        ] {
            assert_eq!(sentence(&event(kind, data)), said);
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let shown = line(&event("agent:ended", json!({"reason": "a\nb\u{1b}[2J"})));
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn who_did_it_is_said_where_it_could_have_been_a_person() {
        let ends = |kind: &str, end: &str| assert!(line(&event(kind, json!({"account": "claude"}))).ends_with(end), "{kind}");
        ends("agent:paused", "hunter paused (by operator)");
        ends("account:ready", "the account claude can be used again (by operator)");
        ends("agent:ready", "hunter is ready");
        ends("account:closed", "the account claude is closed: ?");
    }
}
