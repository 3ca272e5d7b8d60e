//! The stage: a rehearsal server that plays a scenario, and the real CLI that asks it.

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

/// No step of a test takes longer.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// The shape of the results.
pub const SCHEMA: &str = r#"{"type":"object","properties":{"verdict":{"type":"string"},"summary":{"type":"string"}},"required":["verdict","summary"]}"#;

/// A server that plays a scenario, and a place for the CLI to run in.
pub struct Stage {
    pub base_url: String,
    pub journal: Journal,
    home: TempDir,
    close: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Stage {
    pub fn set(scenario: &str) -> Self {
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

    pub fn tree(&self) -> PathBuf {
        self.home.path().join("tree")
    }

    /// A prompt as a worker writes it.
    pub fn prompt(&self, round: u32) -> String {
        let task = json!({
            "id": 12, "type": "build_product", "attempt": 1, "round": round,
            "payload": {"tree": self.tree(), "files": 2}, "product": {"slug": "link-checker", "title": "Link checker"}, "feedback": null,
        });
        format!("Do the task that this block holds.\n\n<task>\n{task}\n</task>\n\nHand in the result.")
    }

    /// Starts the CLI on a prompt among its arguments. It has no input: it would wait three seconds for what a pipe may bring.
    pub fn cli(&self, args: &[&str]) -> Cli {
        self.start(args, Stdio::null())
    }

    /// Starts the CLI to be talked to.
    pub fn cli_to_talk_to(&self, args: &[&str]) -> Cli {
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
    pub async fn recorded(&self, session: &str, text: &str) {
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
    pub fn answers(&self) -> Vec<(Option<usize>, u16, Outcome)> {
        let requests = self.journal.requests();
        let posts = requests.iter().filter(|request| request.path == "/v1/messages");
        posts.map(|request| (request.turn, request.status, request.outcome)).collect()
    }

    /// The turns of the script that were asked for, one by one.
    pub fn turns(&self) -> Vec<usize> {
        self.answers().into_iter().map(|(turn, ..)| turn.unwrap()).collect()
    }

    /// Closes the server, which must end by itself.
    pub async fn close(mut self) {
        self.close.take().unwrap().send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.server).await.expect("the server ends when it is told to").unwrap().unwrap();
    }
}

/// The CLI, running.
pub struct Cli {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: Option<ChildStdin>,
    pub seen: Vec<Value>,
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
    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next().await {
                Some(line) if fits(&line) => return line,
                Some(_) => {}
                None => panic!("the CLI ended before that: {:#?}", self.seen.last()),
            }
        }
    }

    pub async fn say(&mut self, text: &str) {
        let line = json!({"type": "user", "message": {"role": "user", "content": text}}).to_string() + "\n";
        self.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
    }

    /// Closes its input, reads the rest and takes the result line.
    pub async fn end(&mut self) -> (Value, ExitStatus) {
        drop(self.stdin.take());
        while self.next().await.is_some() {}
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the CLI ends").unwrap();
        let result = self.seen.iter().rev().find(|line| line["type"] == "result").expect("a result line").clone();
        (result, status)
    }

    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Everything the model said in text, and the tools it called, in order.
    pub fn transcript(&self) -> Vec<String> {
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
