//! A home as a person runs it: `start`, `stop`, `halt`, and a daemon that does not come up.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::harness::processes_of;
use crate::output::{SWARM, ended, err, out};

/// A home that is run as a person runs it: with `start` and `stop`.
struct Own {
    dir: tempfile::TempDir,
    home: PathBuf,
}

impl Own {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        let own = Self { dir, home };
        ended(&own.run(&["init", own.home.to_str().unwrap(), "--rehearsal"]), 0);
        own
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(SWARM);
        // A secret of the person's that no argument may show.
        command.env("ANTHROPIC_API_KEY", "sk-ant-not-in-argv").env("CLAUDE_SWARM_HOME", &self.home);
        command.args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Sends the daemon a signal, and waits until it is gone where that ends it.
    fn signal_daemon(&self, signal: &str) -> i64 {
        let pid = self.status()["daemon_pid"].as_i64().unwrap();
        assert!(Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap().success());
        let dead = || fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "));
        while signal == "KILL" && !dead() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        pid
    }

    fn status(&self) -> Value {
        let output = self.run(&["status", "--json"]);
        ended(&output, 0);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.run(&["halt"]);
        self.run(&["stop"]);
        for (pid, _) in processes_of(self.dir.path()) {
            drop(Command::new("kill").args(["-9", &pid.to_string()]).output());
        }
    }
}

fn state<'a>(status: &'a Value, agent: &str) -> &'a str {
    status["agents"].as_array().unwrap().iter().find(|it| it["name"] == agent).unwrap()["state"].as_str().unwrap()
}

#[test]
fn start_brings_the_daemon_and_stop_ends_it_for_good() {
    let own = Own::new();
    let started = own.run(&["start", "hunter", "--auto-approve"]);
    ended(&started, 0);
    assert!(out(&started).starts_with("claude-swarm  [REHEARSAL]\n"), "{}", out(&started));
    let status = own.status();
    assert_eq!((state(&status, "hunter"), state(&status, "critic")), ("idle", "absent"));
    let pid = status["daemon_pid"].as_i64().unwrap();
    // A session of its own: it outlives the terminal; and no secret where everybody can read it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, pid.to_string());
    for (_, line) in processes_of(own.dir.path()) {
        assert!(!line.contains("sk-ant"), "{line}");
    }

    ended(&own.run(&["start", "hunter", "critic"]), 0);
    assert_eq!(own.status()["daemon_pid"].as_i64(), Some(pid), "a daemon that runs is used");
    ended(&own.run(&["start", "--auto-approve"]), 5);
    ended(&own.run(&["start", "nobody"]), 4);

    let stopped = own.run(&["stop", "hunter"]);
    assert_eq!(out(&stopped), "stopped hunter\n");
    assert_eq!(state(&own.status(), "hunter"), "absent");

    let kept = own.run(&["stop", "--keep-sessions"]);
    ended(&kept, 0);
    assert!(out(&kept).starts_with(&format!("the daemon (process {pid}) is gone; sessions live on")), "{}", out(&kept));
    assert!(!processes_of(&own.home).iter().any(|(other, _)| i64::from(*other) == pid));
    let workers = || processes_of(own.dir.path()).into_iter().filter(|(_, line)| line.contains(" worker ")).count();
    assert_eq!(workers(), 1);
    ended(&own.run(&["start", "hunter"]), 0);
    assert_eq!(state(&own.status(), "critic"), "idle", "the session that lived on was found again");
    let halted = own.run(&["halt", "--reason", "a test"]);
    ended(&halted, 0);
    assert!(out(&halted).starts_with("halted. ended: claude-critic, claude-hunter; every process is gone\n"), "{}", out(&halted));
    assert_eq!(own.status()["halted"], "a test");
    assert_eq!(workers(), 0);

    let stopped = own.run(&["stop", "--json"]);
    ended(&stopped, 0);
    ended(&own.run(&["stop"]), 3);
    assert_eq!(processes_of(own.dir.path()), []);
}

/// Nothing is left in tmux either, and the next daemon knows that it was halted.
fn stays_halted(own: &Own, why: &str) {
    assert_eq!(processes_of(own.dir.path()), []);
    ended(&own.run(&["start", "hunter"]), 0);
    let status = own.status();
    assert_eq!((state(&status, "hunter"), state(&status, "critic")), ("idle", "absent"), "only who is named comes back");
    assert!(status["halted"].is_null());
    let events = out(&own.run(&["events", "--after", "0", "--json"]));
    let halted =
        events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|event| event["kind"] == "swarm:halted");
    assert_eq!(halted.unwrap()["data"]["reason"], why);
}

#[test]
fn a_halt_needs_no_daemon() {
    let own = Own::new();
    ended(&own.run(&["start", "hunter", "critic"]), 0);
    own.signal_daemon("KILL");
    let halted = own.run(&["halt", "--reason", "the daemon died"]);
    ended(&halted, 0);
    assert!(out(&halted).starts_with("halted. ended: claude-critic, claude-hunter; every process is gone\n"), "{}", out(&halted));
    stays_halted(&own, "the daemon died");
}

#[test]
fn a_halt_ends_a_daemon_that_is_frozen() {
    let own = Own::new();
    ended(&own.run(&["start", "hunter", "critic"]), 0);
    let pid = own.signal_daemon("STOP");
    let halted = own.run(&["halt", "--reason", "it hangs", "--json"]);
    ended(&halted, 0);
    let said: Value = serde_json::from_str(&out(&halted)).unwrap();
    assert_eq!(
        (&said["daemon_ended"], &said["by_daemon"], &said["survivors"]),
        (&Value::from(pid), &Value::from(false), &Value::from(Vec::<Value>::new()))
    );
    stays_halted(&own, "it hangs");
}

#[test]
fn a_halt_ends_what_tmux_does_not_tell_of() {
    let own = Own::new();
    ended(&own.run(&["start", "hunter"]), 0);
    let attach = own.status()["attach"].as_str().unwrap().to_owned();
    let socket = attach.split(' ').nth(2).unwrap();
    let server = out(&Command::new("tmux").args(["-L", socket, "display-message", "-p", "#{pid}"]).output().unwrap());
    let server = server.trim();
    own.signal_daemon("KILL");
    assert!(Command::new("kill").args(["-STOP", server]).status().unwrap().success());
    let halted = own.run(&["halt"]);
    drop(Command::new("kill").args(["-KILL", server]).status());
    ended(&halted, 0);
    assert!(out(&halted).starts_with("halted. ended: worker process "), "{}", out(&halted));
    assert_eq!(processes_of(own.dir.path()), []);
}

#[test]
fn stop_ends_agents_that_outlived_their_daemon() {
    let own = Own::new();
    ended(&own.run(&["start", "hunter", "critic"]), 0);
    own.signal_daemon("KILL");
    let stopped = own.run(&["stop"]);
    ended(&stopped, 0);
    assert_eq!(out(&stopped), "no daemon ran; ended: claude-critic, claude-hunter\n");
    stays_halted(&own, "stopped while no daemon ran");
}

#[test]
fn a_daemon_that_does_not_come_up_is_shown_with_its_last_words() {
    let own = Own::new();
    fs::create_dir_all(own.home.join("data")).unwrap();
    fs::write(own.home.join("data/swarm.db"), "this is no database, and long enough to be seen as one that is damaged").unwrap();
    let output = own.run(&["start"]);
    ended(&output, 1);
    let said = err(&output);
    assert!(said.starts_with("error: the daemon ended at once with exit code 1, and wrote:\n"), "{said}");
    assert!(said.contains("swarm.db") && said.contains("logs/daemon.log"), "{said}");
}
