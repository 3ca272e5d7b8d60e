//! Answers that fail as the script says: errors, streams that break off, garbage.

use claude_swarm::rehearsal::Outcome;
use serde_json::json;
use uuid::Uuid;

use super::stage::{SCHEMA, Stage};

#[tokio::test]
async fn a_rate_limit_then_success() {
    let stage = Stage::set(
        r#"
name: rate limit
tasks:
  - turns:
      - result: {verdict: done, summary: at last}
    fail:
      - {at_turn: 0, status: 429, headers: {retry-after: 0}, error: {message: Slow down}}
"#,
    );
    let mut cli = stage.cli(&["--json-schema", SCHEMA, &stage.prompt(1)]);
    let retry = cli.until(|line| line["subtype"] == "api_retry").await;
    assert_eq!((&retry["error_status"], &retry["error"]), (&json!(429), &json!("rate_limit")));
    let (result, status) = cli.end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"]["summary"], "at last");
    assert_eq!(stage.answers(), [(Some(0), 429, Outcome::Rehearsed), (Some(0), 200, Outcome::Answered)]);
    stage.close().await;
}

#[tokio::test]
async fn a_key_that_is_refused() {
    let stage = Stage::set(
        "
name: bad key
tasks:
  - turns: [{say: never said}]
    fail: [{at_turn: 0, times: 99, status: 401, error: {message: the key was revoked}}]
",
    );
    let (result, status) = stage.cli(&[&stage.prompt(1)]).end().await;
    assert_eq!(status.code(), Some(1));
    assert_eq!((&result["is_error"], &result["api_error_status"]), (&json!(true), &json!(401)), "{result:#}");
    assert!(result["result"].as_str().unwrap().contains("the key was revoked"), "{result:#}");
    assert!(stage.answers().iter().all(|answer| *answer == (Some(0), 401, Outcome::Rehearsed)));
    stage.close().await;
}

/// What a broken answer does to the CLI: before a block was complete it asks again, without streaming.
fn broken(fault: &str) -> String {
    BROKEN.replace("FAULT", fault)
}

const BROKEN: &str = r#"
name: broken
tasks:
  - turns:
      - say: I look at what there is first.
        tool: {name: Bash, input: {command: "echo once >> log; cat log", description: Look}}
      - result: {verdict: done, summary: "{{last_tool_result}}"}
    fail: [{at_turn: 0, FAULT}]
"#;

#[rstest::rstest]
#[case::cut_at_once("cut_after_events: 0")]
#[case::cut_in_a_text("cut_after_events: 4")]
#[case::garbage("garbage: true")]
#[tokio::test]
async fn a_broken_answer_then_success(#[case] fault: &str) {
    let stage = Stage::set(&broken(fault));
    let mut cli = stage.cli(&["--json-schema", SCHEMA, &stage.prompt(1)]);
    let (result, status) = cli.end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"]["summary"], "once", "{result:#}");
    let answers = stage.answers();
    assert_eq!(answers[0], (Some(0), 200, Outcome::Rehearsed));
    assert_eq!(answers[1..], [0, 1].map(|turn| (Some(turn), 200, Outcome::Answered)));
    stage.close().await;
}

/// Behind a complete block the CLI gives up, and the conversation holds a part of the turn.
#[tokio::test]
async fn cut_behind_a_whole_text_and_resumed() {
    let stage = Stage::set(&broken("cut_after_events: 6"));
    let session = Uuid::new_v4().to_string();
    let (result, status) = stage.cli(&["--json-schema", SCHEMA, "--session-id", &session, &stage.prompt(1)]).end().await;
    assert_eq!((status.code(), &result["is_error"]), (Some(1), &json!(true)), "{result:#}");
    let (result, status) = stage.cli(&["--json-schema", SCHEMA, "--resume", &session, "Continue."]).end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"]["summary"], "once", "{result:#}");
    stage.close().await;
}
