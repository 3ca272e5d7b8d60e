//! Tests of the parser on what the real CLI printed (`tests/data/claude`), and on lines that no CLI should print.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::domain::budget::MicroUsd;
use crate::domain::failure::FailureClass as F;
use crate::provider::fact::{Answer, Failure, Outcome};

fn transcript(name: &str) -> String {
    let path = format!("{}/tests/data/claude/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn facts_of(name: &str) -> Vec<Fact> {
    let mut parser = StreamParser::default();
    transcript(name).lines().flat_map(|line| parser.feed(line.as_bytes())).collect()
}

fn outcomes(facts: &[Fact]) -> Vec<Outcome> {
    facts.iter().filter_map(|fact| if let Fact::Finished(outcome) = fact { Some((**outcome).clone()) } else { None }).collect()
}

fn usages(facts: &[Fact]) -> Vec<Usage> {
    facts.iter().filter_map(|fact| if let Fact::Usage(usage) = fact { Some(*usage) } else { None }).collect()
}

#[test]
fn a_run_with_tools_reads_as_it_went() {
    let facts = facts_of("tools");
    let shown: Vec<String> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Started { model, version, .. } => Some(format!("started {model} {version}")),
            Fact::Delivered { id, text } => Some(format!("delivered {} {text}", id.unwrap())),
            Fact::Thinking => Some("thinking".into()),
            Fact::Said { text, within: None } => Some(format!("said {text}")),
            Fact::ToolCalled { id, name, summary, .. } => Some(format!("called {id} {name}: {summary}")),
            Fact::ToolReturned { id, ok, head, .. } => Some(format!("returned {id} {ok} {}", head.replace('\n', "/"))),
            Fact::Finished(outcome) => Some(format!("finished {}", outcome.result.as_ref().unwrap().text)),
            _ => None,
        })
        .collect();
    assert_eq!(
        shown,
        [
            "started claude-sonnet-5 2.1.197",
            "thinking",
            "delivered 11111111-1111-4111-8111-111111111111 look around",
            "thinking",
            "said I will look",
            "called toolu_0_0 Bash: echo one; echo two",
            "called toolu_0_1 Bash: exit 3",
            "returned toolu_0_0 true one/two",
            "returned toolu_0_1 false Exit code 3",
            "said finished",
            "finished finished",
        ]
    );
}

/// Four lines of one message, each with the whole message's counts: counted once.
#[test]
fn tokens_are_counted_once_a_message() {
    let used = |input, output, cache_read, cache_write| Usage { input, output, cache_read, cache_write };
    let facts = facts_of("tools");
    assert_eq!(usages(&facts), [used(1200, 1, 400, 50), used(2400, 2, 800, 100), used(2400, 88, 800, 100)]);

    // With parts the output is exact before the end.
    let partial = usages(&facts_of("tools-partial"));
    assert_eq!(partial, [used(1200, 1, 400, 50), used(1200, 77, 400, 50), used(2400, 78, 800, 100), used(2400, 88, 800, 100)]);
}

#[test]
fn a_second_turn_of_the_process_adds_to_the_first() {
    let facts = facts_of("two-turns");
    let all = outcomes(&facts);
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].cost, all[1].cost), (MicroUsd(4358), MicroUsd(8715)));
    assert_eq!(usages(&facts).last().unwrap().input, 2400);
    assert!(usages(&facts).is_sorted_by_key(|usage| usage.total()), "it only grows");
}

#[test]
fn what_a_sub_agent_does_is_marked_and_counted() {
    let facts = facts_of("subagent");
    let inner: Vec<&Fact> = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::ToolCalled { within: Some(_), .. } | Fact::ToolReturned { within: Some(_), .. }))
        .collect();
    assert_eq!(inner.len(), 2, "{inner:?}");
    assert!(matches!(inner[0], Fact::ToolCalled { summary, .. } if summary == "echo in-sub"));
    assert_eq!(usages(&facts).last().unwrap().input, 4800, "two requests of the agent and two of its sub-agent");
}

#[test]
fn a_structured_result_is_taken_and_its_lack_is_seen() {
    let answer = |name: &str| outcomes(&facts_of(name))[0].result.clone();
    let structured = json!({"verdict": "approve", "score": 8});
    let text = r#"{"verdict":"approve","score":8}"#.to_owned();
    assert_eq!(answer("structured"), Ok(Answer { text, structured: Some(structured) }));
    assert_eq!(answer("structured-missing"), Ok(Answer { text: "no object from me".into(), structured: None }));
}

#[rstest]
#[case("structured-never", F::ResultMissing, "Failed to provide valid structured output after 5 attempts")]
#[case("budget", F::OverBudget, "Reached maximum budget ($0.5)")]
#[case("turns", F::OverBudget, "Reached maximum number of turns (2)")]
#[case("refused", F::Refused, "API Error: Claude Code is unable to respond")]
#[case("output-too-long", F::ContextTooLong, "API Error: Claude's response exceeded the 64000 output token maximum")]
#[case("rate-limited", F::RateLimited, "API Error: Request rejected (429)")]
#[case("slow-down", F::RateLimited, "API Error: Server is temporarily limiting requests (not your usage limit)")]
#[case("usage-limit", F::UsageLimit, "You've hit your session limit")]
#[case("overloaded", F::Overloaded, "API Error: 529 Overloaded")]
#[case("server-error", F::ServerError, "API Error: 500")]
#[case("bad-key", F::LoginRequired, "Invalid API key")]
#[case("no-login", F::LoginRequired, "Not logged in")]
#[case("credit", F::CreditExhausted, "Credit balance is too low")]
#[case("context", F::ContextTooLong, "Prompt is too long")]
#[case("bad-request", F::BadRequest, "API Error: 400")]
#[case("model-not-found", F::ModelNotFound, "There's an issue with the selected model")]
#[case("connection", F::Connection, "API Error: Unable to connect to API (ConnectionRefused)")]
#[case("garbage", F::Garbage, "API Error: API returned an empty or malformed response")]
#[case("interrupted", F::Interrupted, "the turn was interrupted")]
#[case("conversation-unknown", F::ConversationUnknown, "No conversation found")]
fn a_failed_run_has_its_class(#[case] name: &str, #[case] class: F, #[case] message: &str) {
    let facts = facts_of(name);
    let all = outcomes(&facts);
    assert_eq!(all.len(), 1);
    let failure = all[0].result.as_ref().unwrap_err();
    assert_eq!(failure.class, class, "{}", failure.message);
    assert!(failure.message.starts_with(message), "{}", failure.message);
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Garbage { .. })));
}

#[test]
fn what_a_stopped_run_cost_includes_its_last_answer() {
    let facts = facts_of("budget");
    assert_eq!(usages(&facts).last().unwrap().input, 200_000, "`usage` of that line says less");
    assert!(outcomes(&facts)[0].cost > MicroUsd(500_000));
}

#[test]
fn the_reset_of_an_allowance_is_known() {
    let facts = facts_of("usage-limit");
    let stated = facts.iter().find_map(|fact| match fact {
        Fact::Limit { status: LimitStatus::Rejected, kind, resets_at, .. } => Some((kind.clone(), *resets_at)),
        _ => None,
    });
    let (kind, resets_at) = stated.unwrap();
    assert_eq!(kind.as_deref(), Some("five_hour"));
    assert!(resets_at.unwrap().0 > 1_700_000_000_000, "milliseconds, not seconds");
    assert_eq!(outcomes(&facts)[0].result.as_ref().unwrap_err().resets_at, resets_at);

    let warned = facts_of("limit-warning");
    assert!(warned.iter().any(|fact| matches!(fact, Fact::Limit { status: LimitStatus::Warning, .. })));
    assert!(outcomes(&warned)[0].result.is_ok());
}

#[rstest]
#[case("rate-limited", F::RateLimited)]
#[case("overloaded", F::Overloaded)]
#[case("server-error", F::ServerError)]
#[case("bad-key", F::LoginRequired)]
#[case("connection", F::Connection)]
fn a_retry_of_the_cli_is_seen(#[case] name: &str, #[case] expected: F) {
    let seen: Vec<Fact> = facts_of(name).into_iter().filter(|fact| matches!(fact, Fact::Retrying { .. })).collect();
    assert_eq!(seen.len(), 1);
    let Fact::Retrying { class, attempt: 1, max: 1, delay_ms } = seen[0] else { panic!("{seen:?}") };
    assert_eq!(class, expected);
    assert!((400..700).contains(&delay_ms), "{delay_ms}");
}

#[test]
fn a_message_is_acknowledged_by_its_id_and_a_known_one_starts_no_turn() {
    let ids = |name: &str| -> Vec<u128> {
        facts_of(name)
            .iter()
            .filter_map(|fact| if let Fact::Delivered { id, .. } = fact { id.map(|id| id.as_u128()) } else { None })
            .collect()
    };
    let (first, second) = (0x1111_1111_1111_4111_8111_1111_1111_1111, 0x2222_2222_2222_4222_8222_2222_2222_2222);
    assert_eq!(ids("message-while-running"), [first, second]);
    assert_eq!(outcomes(&facts_of("message-while-running")).len(), 1, "taken up in the running turn");
    assert_eq!(ids("sent-twice"), [first]);
    assert_eq!(facts_of("sent-twice").len(), 1);
}

#[test]
fn lines_that_are_not_the_protocol_are_facts_of_their_own() {
    let mut parser = StreamParser::default();
    let garbage = |head: &str| vec![Fact::Garbage { head: head.into() }];
    assert_eq!(parser.feed(b"Segmentation fault\n"), garbage("Segmentation fault"));
    assert_eq!(parser.feed(b"[1,2]"), garbage("[1,2]"));
    assert_eq!(parser.feed(b"\x1b[31m{\"type\":"), garbage("[31m{\"type\":"));
    assert_eq!(parser.feed(b"  \r\n"), vec![]);
    assert_eq!(parser.feed(br#"{"type":"telepathy"}"#), vec![Fact::Unknown { kind: "telepathy".into() }]);
    assert_eq!(parser.feed(br#"{"type":"system","subtype":"new"}"#), vec![Fact::Unknown { kind: "system/new".into() }]);
    assert_eq!(parser.feed(b"{}"), vec![Fact::Unknown { kind: String::new() }]);
}

#[test]
fn bytes_that_are_not_text_do_not_lose_the_line() {
    let mut parser = StreamParser::default();
    let facts = parser.feed(b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\xff\xfeb\"}]}}");
    assert_eq!(facts, vec![Fact::Said { text: "a\u{fffd}\u{fffd}b".into(), within: None }]);
}

#[test]
fn long_lines_become_short_facts() {
    let mut parser = StreamParser::default();
    let long = "y".repeat(10 << 20);
    let said = json!({"type": "assistant", "message": {"content": [{"type": "text", "text": long},
        {"type": "tool_use", "id": "t", "name": "Write", "input": {"file_path": "/workspace/a", "content": long, "list": vec![0; 5000]}}]}});
    let returned =
        json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": long}]}});
    for line in [said, returned] {
        for fact in parser.feed(line.to_string().as_bytes()) {
            let size = serde_json::to_string(&fact).unwrap().len();
            assert!(size < 70_000, "a fact of {size} bytes");
        }
    }
    let beyond = vec![b'x'; MAX_LINE_BYTES + 1];
    assert_eq!(parser.feed(&beyond).len(), 1);
    assert!(matches!(&parser.feed(&beyond)[0], Fact::Garbage { head } if head.len() < 300));
}

#[test]
fn many_messages_cost_bounded_memory_and_are_all_counted() {
    let mut parser = StreamParser::default();
    for n in 0..10_000 {
        let line = json!({"type": "assistant", "message": {"id": format!("m{n}"), "content": [], "usage": {"input_tokens": 1}}});
        parser.feed(line.to_string().as_bytes());
    }
    assert_eq!(parser.usage().input, 10_000);
    assert!(parser.messages.len() <= MESSAGES);
}

#[test]
fn deep_nesting_is_no_stack_overflow() {
    let mut parser = StreamParser::default();
    let deep = format!("{{\"type\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(&parser.feed(deep.as_bytes())[0], Fact::Garbage { .. }));
}

#[test]
fn an_error_of_one_turn_does_not_colour_the_next() {
    let mut parser = StreamParser::default();
    transcript("usage-limit").lines().for_each(|line| drop(parser.feed(line.as_bytes())));
    let bare = json!({"type": "result", "subtype": "success", "is_error": true, "result": "odd"}).to_string();
    let facts = parser.feed(bare.as_bytes());
    let expected = Failure { class: F::Crashed, message: "odd".into(), resets_at: None };
    assert_eq!(outcomes(&facts)[0].result, Err(expected));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        StreamParser::default().feed(&line);
    }

    /// Real lines with one value in them replaced: the shapes are right, the types are not.
    #[test]
    fn no_wrong_type_makes_it_panic(pick in any::<proptest::sample::Index>(), place in any::<proptest::sample::Index>(), kind in 0..6) {
        let all: Vec<String> = ["tools-partial", "subagent", "usage-limit", "budget", "interrupted"]
            .iter().flat_map(|name| transcript(name).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let mut line: Value = serde_json::from_str(&all[pick.index(all.len())]).unwrap();
        let wrong = [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!({})][usize::try_from(kind).unwrap()].clone();
        let mut paths = Vec::new();
        pointers(&line, String::new(), &mut paths);
        *line.pointer_mut(&paths[place.index(paths.len())]).unwrap() = wrong;
        StreamParser::default().feed(line.to_string().as_bytes());
    }
}

fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, one)| {
            pointers(one, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), into);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, one)| pointers(one, format!("{at}/{n}"), into)),
        _ => {}
    }
    into.push(at);
}
