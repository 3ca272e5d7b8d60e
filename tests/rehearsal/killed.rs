//! A CLI that is killed, and resumed: the conversation goes on where it was.

use std::time::Duration;

use claude_swarm::rehearsal::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{SCHEMA, Stage};

/// Falls silent in the middle of a text, once; a client that is killed then goes on with `--resume`.
const SILENT: &str = r#"
name: falling silent
tasks:
  - turns:
      - say: I look first.
        tool: {name: Bash, input: {command: "echo looked >> log; cat log", description: Look}}
      - say: Now that I looked, I change what has to be changed, with some care and without haste.
        tool: {name: Bash, input: {command: "echo changed >> log; cat log", description: Change}}
      - result: {verdict: done, summary: "{{last_tool_result}}"}
    fail:
      - {at_turn: 1, stall: true, after_events: 4}
"#;

#[rstest::rstest]
#[case::with_a_word(false)]
#[case::with_the_whole_prompt_again(true)]
#[tokio::test]
async fn killed_in_the_middle_of_an_answer_and_resumed(#[case] whole_prompt: bool) {
    let stage = Stage::set(SILENT);
    let session = Uuid::new_v4().to_string();
    let mut cli = stage.cli(&["--json-schema", SCHEMA, "--session-id", &session, &stage.prompt(1)]);
    cli.until(|line| says(line, "Now that I looked")).await;
    stage.recorded(&session, "\"tool_result\"").await;
    cli.kill().await;

    let again = if whole_prompt { stage.prompt(1) } else { "Continue.".to_owned() };
    let mut cli = stage.cli(&["--json-schema", SCHEMA, "--resume", &session, &again]);
    let (result, status) = cli.end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"], json!({"verdict": "done", "summary": "looked\nchanged"}), "each tool ran once");
    let turns: Vec<_> = stage.answers().into_iter().map(|(turn, _, outcome)| (turn.unwrap(), outcome)).collect();
    assert_eq!(turns, [(0, Outcome::Answered), (1, Outcome::Rehearsed), (1, Outcome::Answered), (2, Outcome::Answered)]);
    stage.close().await;
}

#[tokio::test]
async fn killed_while_a_tool_runs_and_resumed() {
    let stage = Stage::set(
        r#"
name: slow tool
tasks:
  - turns:
      - say: I build.
        tool: {name: Bash, input: {command: "if test -e began; then echo built; else touch began; sleep 3; fi", description: Build}}
      - result: {verdict: done, summary: "{{last_tool_result}}"}
"#,
    );
    let session = Uuid::new_v4().to_string();
    let mut cli = stage.cli(&["--json-schema", SCHEMA, "--session-id", &session, &stage.prompt(1)]);
    cli.until(|line| line["event"]["type"] == "message_stop").await;
    // The command tells that it runs by the file it makes.
    while !stage.tree().join("began").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.recorded(&session, "\"tool_use\"").await;
    cli.kill().await;

    let mut cli = stage.cli(&["--json-schema", SCHEMA, "--resume", &session, "Continue."]);
    let (result, _) = cli.end().await;
    assert_eq!(result["structured_output"], json!({"verdict": "done", "summary": "built"}), "{result:#}");
    assert_eq!(stage.turns(), [0, 0, 1]);
    stage.close().await;
}

fn says(line: &Value, text: &str) -> bool {
    line["type"] == "stream_event" && line["event"]["delta"]["text"].as_str().is_some_and(|piece| piece.contains(text))
}
