//! A whole swarm for a test: a home in a temporary folder, the real daemon, a tmux server of its own, the real CLIs against the
//! rehearsal's model. Everything is asked through the command line, as a person would.
//!
//! When it goes out of scope, everything is ended, and nothing of it may be left: no process, no session.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes, so that what would hang fails instead.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct TestSwarm {
    dir: tempfile::TempDir,
    pub home: PathBuf,
    pub daemon: Option<Child>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    pace: String,
}

impl TestSwarm {
    /// A fresh rehearsal home. Nothing runs yet.
    pub fn rehearsal() -> Self {
        Self::init(&["--rehearsal"])
    }

    /// A fresh real home.
    pub fn real() -> Self {
        Self::init(&[])
    }

    /// A fresh rehearsal home below this folder.
    pub fn rehearsal_in(folder: &Path) -> Self {
        Self::init_in(folder, &["--rehearsal"])
    }

    fn init(options: &[&str]) -> Self {
        Self::init_in(&std::env::temp_dir(), options)
    }

    fn init_in(folder: &Path, options: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("swarm-").tempdir_in(folder).unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        let env = BTreeMap::from([("PATH".to_owned(), path_with_claude())]);
        let swarm = Self { dir, home, daemon: None, args: vec![], env, pace: "100000".to_owned() };
        let mut command = Command::new(env!("CARGO_BIN_EXE_claude-swarm"));
        let output = command.arg("init").arg(&swarm.home).args(options).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        // Fast enough for tests: leases that a frozen worker loses within the test's patience.
        swarm.set("leases", "{seconds: 5}");
        swarm
    }

    /// Writes a section of the settings anew, in YAML's flow style.
    pub fn set(&self, section: &str, value: &str) {
        let path = self.home.join("config/settings.yaml");
        let before = fs::read_to_string(&path).unwrap();
        let mut kept = String::new();
        let mut inside = false;
        for line in before.lines() {
            inside = if line.starts_with(&format!("{section}:")) {
                true
            } else {
                inside && (line.starts_with(' ') || line.starts_with('#'))
            };
            if !inside {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        fs::write(&path, format!("{kept}{section}: {value}\n")).unwrap();
    }

    /// The script that the rehearsal's model plays.
    pub fn script(&self, yaml: &str) {
        fs::write(self.home.join("config/rehearsal.yaml"), yaml).unwrap();
    }

    /// Puts a script before the one that is there, so that its tasks match first.
    pub fn script_first(&self, tasks: &str) {
        let path = self.home.join("config/rehearsal.yaml");
        let before = fs::read_to_string(&path).unwrap();
        let (head, rest) = before.split_once("\ntasks:\n").expect("the script has tasks");
        fs::write(&path, format!("{head}\ntasks:\n{tasks}\n{rest}")).unwrap();
    }

    /// Arms a failpoint: the process that reaches it next dies by SIGKILL.
    pub fn arm(&self, failpoint: &str) {
        self.arm_to(failpoint, "die");
    }

    /// Arms a failpoint: the thread that reaches it next stands still for good.
    pub fn arm_to_hang(&self, failpoint: &str) {
        self.arm_to(failpoint, "hang");
    }

    fn arm_to(&self, failpoint: &str, how: &str) {
        let folder = self.home.join("data/run/failpoints");
        fs::create_dir_all(&folder).unwrap();
        // Whoever reaches it sees all of it or nothing.
        let draft = folder.join(format!("{failpoint}.new"));
        fs::write(&draft, how).unwrap();
        fs::rename(draft, folder.join(failpoint)).unwrap();
    }

    /// Whether an armed failpoint was reached.
    pub fn reached(&self, failpoint: &str) -> bool {
        !self.home.join("data/run/failpoints").join(failpoint).exists()
    }

    /// Sets a variable of the daemon's environment.
    pub fn env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// Has daemons that are started from now on play the script at this pace: `1` as it is written.
    pub fn pace(&mut self, pace: &str) {
        self.pace = pace.to_owned();
    }

    /// Starts the daemon, and waits until it answers. It plays its script as fast as it can, unless a pace was set.
    pub fn start_daemon(&mut self, args: &[&str]) {
        self.args = args.iter().map(|&arg| arg.to_owned()).collect();
        self.restart_daemon();
    }

    /// Starts the daemon again, as it was started before.
    pub fn restart_daemon(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.home.join("daemon.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_claude-swarm"));
        command.arg("--home").arg(&self.home).arg("daemon").args(["--pace", &self.pace]).args(&self.args).envs(&self.env);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.daemon = Some(child);
        let began = Instant::now();
        while !self.try_run(&["status", "--json"]).status.success() {
            let ended = self.daemon.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "the daemon did not start: {ended:?}\n{}", self.daemon_log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts `claude-swarm daemon` beside everything else; what it says can be read from it.
    pub fn spawn_daemon(&self) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_claude-swarm"), &["daemon"]);
        command.envs(&self.env).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Ends the daemon as a crash would.
    pub fn kill_daemon(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon runs");
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// Waits until the daemon has died by itself (at a failpoint).
    pub fn await_daemon_death(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon runs");
        let began = Instant::now();
        while daemon.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "the daemon did not die");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn daemon_log(&self) -> String {
        fs::read_to_string(self.home.join("daemon.log")).unwrap_or_default()
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.env("CLAUDE_SWARM_HOME", &self.home).args(args).stdin(Stdio::null());
        command
    }

    /// Runs `claude-swarm`.
    pub fn try_run(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_claude-swarm"), args).output().unwrap()
    }

    /// Runs `claude-swarm`, which must succeed, and answers with what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        succeeded(&self.try_run(args), args)
    }

    /// Runs `claude-swarm … --json`.
    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.run(&args)).unwrap()
    }

    /// Runs `claude-tasks`.
    pub fn try_tasks(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_claude-tasks"), args).output().unwrap()
    }

    /// Runs `claude-tasks … --json`, which must succeed.
    pub fn tasks(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&succeeded(&self.try_tasks(&args), &args)).unwrap()
    }

    /// Asks the API itself, over the operator's socket. Answers with the status and the JSON.
    pub fn rest(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut socket = UnixStream::connect(self.home.join("data/run/operator.sock")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        // A refusal may come, and the connection end, before all of a large body was taken.
        drop(socket.write_all(body));
        let mut answer = Vec::new();
        drop(socket.read_to_end(&mut answer));
        let answer = String::from_utf8(answer).unwrap();
        let (head, json) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned())))
    }

    /// Creates a task and answers with its number.
    pub fn create(&self, kind: &str, payload: &Value) -> i64 {
        self.tasks(&["create", "--type", kind, "--payload", &payload.to_string()])["id"].as_i64().unwrap()
    }

    /// Creates the task that takes a product through the whole pipeline.
    pub fn create_scan(&self) -> i64 {
        self.create("scan_platform", &serde_json::json!({"platform": "npm", "topic": "link checkers for Markdown"}))
    }

    /// Waits until something holds, looking again after each event.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        let events = Events::follow(self);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let left = PATIENCE.checked_sub(began.elapsed());
            let left = left.unwrap_or_else(|| panic!("never: {what}\n{}\n{}", self.run(&["status"]), self.daemon_log()));
            events.next(left.min(Duration::from_secs(1)));
        }
    }

    /// Waits until a task is in one of these states, and answers with it.
    pub fn until_task(&self, id: i64, states: &[&str]) -> Value {
        self.until(&format!("task {id} is {states:?}"), |swarm| {
            let task = swarm.tasks(&["show", &id.to_string()]);
            states.contains(&task["state"].as_str().unwrap()).then_some(task)
        })
    }

    /// Waits for the first task of this type, and answers with its number.
    pub fn until_type(&self, kind: &str) -> i64 {
        self.until(&format!("a task of type {kind}"), |swarm| {
            let found = swarm.tasks(&["list", "--type", kind]);
            found.as_array().unwrap().last().map(|task| task["id"].as_i64().unwrap())
        })
    }

    /// Waits for an open approval of this kind, and answers with it.
    pub fn until_approval(&self, kind: &str) -> Value {
        self.until(&format!("an open approval of kind {kind}"), |swarm| {
            let open = swarm.json(&["approvals"]);
            open.as_array().unwrap().iter().find(|approval| approval["kind"] == kind).cloned()
        })
    }

    /// All events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        let printed = self.run(&["events", "--after", "0", "--json"]);
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often an event of this kind happened.
    pub fn count(&self, kind: &str) -> usize {
        self.events().iter().filter(|event| event["kind"] == kind).count()
    }

    /// The name of the home's tmux server.
    pub fn tmux_server(&self) -> String {
        let attach = self.json(&["status"])["attach"].as_str().unwrap().to_owned();
        attach.split(' ').nth(2).unwrap().to_owned()
    }

    /// Runs tmux on the home's server.
    pub fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.tmux_server()]).args(args).output().unwrap();
        succeeded(&output, args)
    }

    /// The processes whose command line speaks of this home, as (pid, command line).
    pub fn processes(&self) -> Vec<(i32, String)> {
        processes_of(&self.home)
    }

    /// The processes in this home's sandboxes, as (pid, command line). Theirs need not speak of it, but what they see does.
    pub fn sandboxed(&self) -> Vec<(i32, String)> {
        sandboxed_in(&self.home)
    }
}

impl Drop for TestSwarm {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let status = self.try_run(&["status", "--json"]);
            let attach = serde_json::from_slice::<Value>(&status.stdout)
                .ok()
                .and_then(|status| Some(status["attach"].as_str()?.to_owned()));
            drop(self.try_run(&["halt", "--reason", "the test is over"]));
            drop(daemon.kill());
            drop(daemon.wait());
            if let Some(server) = attach.as_deref().and_then(|attach| attach.split(' ').nth(2)) {
                drop(Command::new("tmux").args(["-L", server, "kill-server"]).output());
            }
        }
        let began = Instant::now();
        let mut left = self.processes();
        while !left.is_empty() && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(50));
            left = self.processes();
        }
        for (pid, _) in &left {
            drop(Command::new("kill").args(["-9", &pid.to_string()]).output());
        }
        if std::thread::panicking() {
            eprintln!("--- the daemon's log\n{}", self.daemon_log());
        } else {
            assert!(left.is_empty(), "processes were left: {left:#?}");
        }
    }
}

/// The PATH with the real Claude CLI on it: the one that `CLAUDE_SWARM_TEST_CLAUDE` names, or whichever is there.
#[expect(clippy::disallowed_methods, reason = "tests are told by their environment where the CLI is")]
pub fn path_with_claude() -> String {
    let path = std::env::var("PATH").unwrap();
    let named = std::env::var("CLAUDE_SWARM_TEST_CLAUDE").ok().and_then(|named| Some(Path::new(&named).parent()?.to_owned()));
    let path = named.map_or_else(|| path.clone(), |folder| format!("{}:{path}", folder.display()));
    let there = std::env::split_paths(&path).any(|folder| folder.join("claude").is_file());
    assert!(there, "the Claude CLI is not on the PATH; `scripts/test.sh` installs it");
    path
}

/// The processes whose command line speaks of a folder.
pub fn processes_of(folder: &Path) -> Vec<(i32, String)> {
    let folder = folder.to_str().unwrap();
    let mut found = all_processes();
    // The tmux server's command line is that of its first session; it is ended by its name.
    found.retain(|(pid, line)| {
        line.contains(folder) && !line.starts_with("tmux") && u32::try_from(*pid) != Ok(std::process::id())
    });
    found
}

/// The processes that see a part of a folder as a place of its own, as those in a sandbox do.
pub fn sandboxed_in(folder: &Path) -> Vec<(i32, String)> {
    let folder = format!("{}/", folder.to_str().unwrap());
    let mut found = all_processes();
    found.retain(|(pid, _)| fs::read_to_string(format!("/proc/{pid}/mountinfo")).is_ok_and(|mounts| mounts.contains(&folder)));
    found
}

/// Every process of the machine with its command line.
pub fn all_processes() -> Vec<(i32, String)> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
    .collect()
}

fn text(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn succeeded(output: &Output, args: &[&str]) -> String {
    assert!(output.status.success(), "{args:?}: {}", text(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Events as they come, from `claude-swarm events -f`.
pub struct Events {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Events {
    pub fn follow(swarm: &TestSwarm) -> Self {
        let mut command = swarm.command(env!("CARGO_BIN_EXE_claude-swarm"), &["events", "-f", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next event, if one comes in time.
    pub fn next(&self, within: Duration) -> Option<Value> {
        self.lines.recv_timeout(within).ok().map(|line| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
