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
    let told = own.run(&["halt"]);
    ended(&told, 3);
    assert!(err(&told).contains("kill-session -t =claude-critic"), "{}", err(&told));

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
