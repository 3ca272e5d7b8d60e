//! The rehearsal server against the real `claude` CLI, and against whatever else may speak to its socket.
//!
//! The CLI is the program that `CLAUDE_SWARM_TEST_CLAUDE` names, else `claude` on the PATH. It runs with a HOME and a working directory of its
//! own and talks to loopback only.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use claude_swarm::rehearsal::{Journal, Outcome, Pace, Scenario, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// No step of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(25);

const SCHEMA: &str = r#"{"type":"object","properties":{"verdict":{"type":"string"},"summary":{"type":"string"}},"required":["verdict","summary"]}"#;

/// A server that plays a scenario, and a place for the CLI to run in.
struct Stage {
    base_url: String,
    journal: Journal,
    home: TempDir,
    close: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Stage {
    fn set(scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario).unwrap();
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), scenario, Pace::INSTANT).unwrap();
        let (base_url, journal) = (server.base_url(), server.journal());
        let (close, closed) = oneshot::channel::<()>();
        let server = tokio::spawn(server.run(async move {
            let _ = closed.await;
        }));
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("tree")).unwrap();
        Self { base_url, journal, home, close: Some(close), server }
    }

    fn tree(&self) -> PathBuf {
        self.home.path().join("tree")
    }

    /// A prompt as a worker writes it.
    fn prompt(&self, round: u32) -> String {
        let task = json!({
            "id": 12, "type": "build_product", "attempt": 1, "round": round,
            "payload": {"tree": self.tree(), "files": 2}, "product": {"slug": "link-checker", "title": "Link checker"}, "feedback": null,
        });
        format!("Do the task that this block holds.\n\n<task>\n{task}\n</task>\n\nHand in the result.")
    }

    /// Starts the CLI on a prompt among its arguments. It has no input: it would wait three seconds for what a pipe may bring.
    fn cli(&self, args: &[&str]) -> Cli {
        self.start(args, Stdio::null())
    }

    /// Starts the CLI to be talked to.
    fn cli_to_talk_to(&self, args: &[&str]) -> Cli {
        let listening = ["--input-format", "stream-json", "--replay-user-messages"];
        self.start(&[args, &listening].concat(), Stdio::piped())
    }

    fn start(&self, args: &[&str], stdin: Stdio) -> Cli {
        let mut command = Command::new(claude());
        command
            .args(["-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"])
            .args(["--allowedTools", "Bash,Write", "--setting-sources", "user", "--strict-mcp-config"])
            .args(args)
            .current_dir(self.tree())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("ANTHROPIC_BASE_URL", &self.base_url)
            .env("ANTHROPIC_API_KEY", "sk-ant-rehearsal")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("CLAUDE_CODE_MAX_RETRIES", "2")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stdin = child.stdin.take();
        Cli { child, lines, stdin, seen: Vec::new() }
    }

    /// Waits until the CLI has written a text into its own record of a conversation. It does so a little later than it acts, and what it has
    /// not written when it is killed did not happen for the one that resumes.
    async fn recorded(&self, session: &str, text: &str) {
        let recorded = async {
            loop {
                let projects = std::fs::read_dir(self.home.path().join(".claude/projects")).into_iter().flatten().flatten();
                let records =
                    projects.filter_map(|project| std::fs::read_to_string(project.path().join(format!("{session}.jsonl"))).ok());
                if records.into_iter().any(|record| record.contains(text)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, recorded).await.expect("the CLI records what it did");
    }

    /// What the journal knows of the requests for answers: turn, status, outcome.
    fn answers(&self) -> Vec<(Option<usize>, u16, Outcome)> {
        let requests = self.journal.requests();
        let posts = requests.iter().filter(|request| request.path == "/v1/messages");
        posts.map(|request| (request.turn, request.status, request.outcome)).collect()
    }

    /// Closes the server, which must end by itself.
    async fn close(mut self) {
        self.close.take().unwrap().send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.server).await.expect("the server ends when it is told to").unwrap().unwrap();
    }
}

/// The CLI, running.
struct Cli {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: Option<ChildStdin>,
    seen: Vec<Value>,
}

impl Cli {
    async fn next(&mut self) -> Option<Value> {
        let line =
            tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("the CLI says something in time").unwrap()?;
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        self.seen.push(line.clone());
        Some(line)
    }

    /// Reads on until a line fits.
    async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next().await {
                Some(line) if fits(&line) => return line,
                Some(_) => {}
                None => panic!("the CLI ended before that: {:#?}", self.seen.last()),
            }
        }
    }

    async fn say(&mut self, text: &str) {
        let line = json!({"type": "user", "message": {"role": "user", "content": text}}).to_string() + "\n";
        self.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
    }

    /// Closes its input, reads the rest and takes the result line.
    async fn end(&mut self) -> (Value, ExitStatus) {
        drop(self.stdin.take());
        while self.next().await.is_some() {}
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the CLI ends").unwrap();
        let result = self.seen.iter().rev().find(|line| line["type"] == "result").expect("a result line").clone();
        (result, status)
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Everything the model said in text, and the tools it called, in order.
    fn transcript(&self) -> Vec<String> {
        let blocks = self
            .seen
            .iter()
            .filter(|line| line["type"] == "assistant")
            .flat_map(|line| line["message"]["content"].as_array().unwrap());
        blocks.map(|block| block["text"].as_str().or(block["name"].as_str()).unwrap().to_owned()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration that could hold the path")]
fn claude() -> PathBuf {
    if let Some(named) = std::env::var_os("CLAUDE_SWARM_TEST_CLAUDE") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join("claude")).find(|file| file.is_file()).expect(
        "these tests need the real claude CLI: `npm install -g @anthropic-ai/claude-code`, or name it in CLAUDE_SWARM_TEST_CLAUDE",
    )
}

fn says(line: &Value, text: &str) -> bool {
    line["type"] == "stream_event" && line["event"]["delta"]["text"].as_str().is_some_and(|piece| piece.contains(text))
}

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
    assert_eq!(stage.answers().iter().map(|(turn, ..)| turn.unwrap()).collect::<Vec<_>>(), [0, 0, 1]);
    stage.close().await;
}

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
    assert_eq!(stage.answers().iter().map(|(turn, ..)| turn.unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);
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
    assert_eq!(stage.answers().iter().map(|(turn, ..)| turn.unwrap()).collect::<Vec<_>>(), [0, 1, 0, 1]);
    stage.close().await;
}

fn body(task: Value) -> Value {
    json!({"model": "some-model", "messages": [{"role": "user", "content": format!("<task>\n{task}\n</task>")}]})
}

#[tokio::test]
async fn every_path_answers_in_the_providers_shapes() {
    let stage = Stage::set(
        "{name: plain, tasks: [{when: {type: t}, turns: [{say: 'Hello from {{id}}.'}]}], models: {some-model: {output_tokens: 7}}}",
    );
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", stage.base_url);
    assert_eq!(client.head(url("/")).send().await.unwrap().status(), 200);

    let hello = body(json!({"id": 3, "type": "t"}));
    let message: Value = client.post(url("/v1/messages?beta=true")).json(&hello).send().await.unwrap().json().await.unwrap();
    assert_eq!(message["content"], json!([{"type": "text", "text": "Hello from 3."}]));
    assert_eq!((&message["stop_reason"], &message["model"]), (&json!("end_turn"), &json!("some-model")));
    assert_eq!((&message["usage"]["output_tokens"], &message["usage"]["cache_read_input_tokens"]), (&json!(7), &json!(0)));

    let counted: Value = client.post(url("/v1/messages/count_tokens")).json(&hello).send().await.unwrap().json().await.unwrap();
    assert!(counted["input_tokens"].as_u64().unwrap() > 10, "{counted}");

    for (request, status, kind) in [
        (client.get(url("/v1/models")), 404, "not_found_error"),
        (client.get(url("/v1/messages")), 404, "not_found_error"),
        (client.post(url("/v1/messages")), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body("\u{0}{[\"<task>"), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body(vec![b'['; 1 << 20]), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).body(vec![b' '; (64 << 20) + 1]), 413, "request_too_large"),
        (client.post(url("/v1/messages/count_tokens")).body("[]"), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&body(json!({"id": "x", "type": "t"}))), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&body(json!({"id": 1, "type": "unknown"}))), 400, "invalid_request_error"),
        (client.post(url("/v1/messages")).json(&json!({"messages": []})), 400, "invalid_request_error"),
    ] {
        let answer = request.send().await.unwrap();
        let (got, error) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!((got.as_u16(), &error["type"], &error["error"]["type"]), (status, &json!("error"), &json!(kind)), "{error}");
    }
    assert_eq!(*stage.journal.total().borrow(), 13);
    stage.close().await;
}

#[tokio::test]
async fn a_stalled_answer_ends_with_its_client_or_with_the_server() {
    let stage = Stage::set("{name: silent, tasks: [{turns: [{say: never}], fail: [{at_turn: 0, times: 9, stall: true}]}]}");
    let client = reqwest::Client::new();
    let url = format!("{}/v1/messages", stage.base_url);
    let mut request = body(json!({"id": 3, "type": "t"}));
    for streamed in [true, false] {
        request["stream"] = json!(streamed);
        let gone = client.post(&url).json(&request).send().await.unwrap();
        assert_eq!(gone.status(), 200);
    }
    // Both clients have gone; the server must notice, although it has nothing to send.
    let port = format!(":{:04X}", stage.base_url.rsplit(':').next().unwrap().parse::<u16>().unwrap());
    let held = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // 01 is established, 08 waits for us to close.
        fields.filter(|fields| fields[1].ends_with(&port) && ["01", "08"].contains(&fields[3])).count()
    };
    let noticed = async {
        while held() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.expect("the server lets go of clients that have gone");
    let waiting = client.post(&url).json(&request).send().await.unwrap();
    stage.close().await;
    assert!(waiting.bytes().await.is_err(), "the server broke it off");
}

#[tokio::test]
async fn only_loopback_is_bound() {
    let scenario = Scenario::parse("{name: n, otherwise: [{say: hi}]}").unwrap();
    let error = Server::bind(SocketAddr::from(([0, 0, 0, 0], 0)), scenario, Pace::SCRIPTED).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
