//! Whole conversations in which nothing fails: text, tools, results, a person between them, and another round.

use claude_swarm::rehearsal::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{SCHEMA, Stage};

/// A tool that prints, and a result that quotes it.
const BUILD: &str = r#"
name: building
acknowledge: "Noted: {{message}}"
tasks:
  - when: {type: build_product, round: 1, product: {slug: link-checker}}
    turns:
      - say: I start with the test that says what {{product.title}} must do.
        tool: {name: Write, input: {file_path: "{{payload.tree}}/test.sh", content: "echo {{payload.files}} files checked\n"}}
      - tool: {name: Bash, input: {command: "sh ./test.sh", description: Run the test}}
      - say: It works.
        result: {verdict: done, summary: "{{product.title}}: {{last_tool_result}}"}
"#;

#[tokio::test]
async fn text_tools_and_a_result_by_schema() {
    let stage = Stage::set(BUILD);
    let mut cli = stage.cli(&["--json-schema", SCHEMA, &stage.prompt(1)]);
    let (result, status) = cli.end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"], json!({"verdict": "done", "summary": "Link checker: 2 files checked"}), "{result:#}");
    let said = "I start with the test that says what Link checker must do.";
    assert_eq!(cli.transcript(), [said, "Write", "Bash", "It works.", "StructuredOutput"]);
    assert_eq!(std::fs::read_to_string(stage.tree().join("test.sh")).unwrap(), "echo 2 files checked\n");
    let pieces = cli.seen.iter().filter(|line| line["event"]["delta"]["type"] == "text_delta").count();
    assert!(pieces >= 3, "the text came in {pieces} pieces");
    assert_eq!(stage.answers(), [0, 1, 2].map(|turn| (Some(turn), 200, Outcome::Answered)));
    stage.close().await;
}

#[tokio::test]
async fn without_a_schema_the_result_is_text() {
    let stage = Stage::set(BUILD);
    let (result, status) = stage.cli(&[&stage.prompt(1)]).end().await;
    assert!(status.success(), "{result:#}");
    let said: Value = serde_json::from_str(result["result"].as_str().unwrap().trim_start_matches("It works.")).unwrap();
    assert_eq!(said["summary"], "Link checker: 2 files checked");
    stage.close().await;
}

#[tokio::test]
async fn a_task_without_a_script_says_so() {
    let stage = Stage::set(BUILD);
    let (result, status) = stage.cli(&[&stage.prompt(2)]).end().await;
    assert_eq!(status.code(), Some(1));
    let said =
        r#"API Error: 400 scenario "building" has no script for a task of type "build_product" (task 12, attempt 1, round 2)"#;
    assert_eq!(result["result"], said);
    assert_eq!(stage.answers(), [(None, 400, Outcome::Refused)]);
    stage.close().await;
}

#[tokio::test]
async fn a_person_writes_while_the_agent_works() {
    let stage = Stage::set(
        r#"
name: interrupted
acknowledge: "Noted: {{message}}"
tasks:
  - turns:
      - tool: {name: Bash, input: {command: "while ! test -e written; do sleep 0.05; done", description: Wait}}
      - say: I go on.
        tool: {name: Bash, input: {command: "echo went on", description: Go on}}
      - result: {verdict: done, summary: "{{last_tool_result}}"}
"#,
    );
    let mut cli = stage.cli_to_talk_to(&["--json-schema", SCHEMA]);
    cli.say(&stage.prompt(1)).await;
    cli.until(|line| line["event"]["type"] == "message_stop").await;
    cli.say("Please keep it small.").await;
    std::fs::write(stage.tree().join("written"), "").unwrap();
    cli.until(|line| line["isReplay"] == true && line["message"]["content"] == "Please keep it small.").await;
    cli.until(|line| line["type"] == "result").await;
    // A line after the end gets an answer too, and the same result.
    cli.say("Thank you.").await;
    cli.until(|line| line["type"] == "result").await;
    let (result, status) = cli.end().await;
    assert!(status.success(), "{result:#}");
    assert_eq!(result["structured_output"], json!({"verdict": "done", "summary": "went on"}));
    let first = ["Bash", "Noted: Please keep it small.", "I go on.", "Bash", "StructuredOutput"];
    assert_eq!(cli.transcript(), [first.as_slice(), &["Noted: Thank you.", "StructuredOutput"]].concat());
    assert_eq!(stage.turns(), [0, 1, 2, 3]);
    stage.close().await;
}

#[tokio::test]
async fn a_new_round_in_the_same_conversation() {
    let stage = Stage::set(
        "
name: rounds
tasks:
  - when: {round: 1}
    turns:
      - tool: {name: Bash, input: {command: echo first}}
      - result: {verdict: done, summary: first}
  - when: {round: 2}
    turns:
      - tool: {name: Bash, input: {command: echo second}}
      - result: {verdict: done, summary: 'round {{round}}: {{last_tool_result}}'}
",
    );
    let session = Uuid::new_v4().to_string();
    stage.cli(&["--json-schema", SCHEMA, "--session-id", &session, &stage.prompt(1)]).end().await;
    let (result, _) = stage.cli(&["--json-schema", SCHEMA, "--resume", &session, &stage.prompt(2)]).end().await;
    assert_eq!(result["structured_output"]["summary"], "round 2: second", "{result:#}");
    assert_eq!(stage.turns(), [0, 1, 0, 1]);
    stage.close().await;
}
