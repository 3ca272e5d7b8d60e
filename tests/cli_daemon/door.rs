//! The door of an agent: it only shows, and it holds up nobody.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::stage::{quiet, research};
use crate::output::{SWARM, TASKS, ended, err, out};

#[test]
fn in_a_sandbox_the_swarm_can_be_looked_at_and_not_changed() {
    let swarm = quiet();
    let id = research(&swarm);
    let agent = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        let socket = swarm.home.join("data/run/agents/hunter/swarm.sock");
        command.args(args).env_clear().env("CLAUDE_SWARM_SOCKET", socket).current_dir("/").stdin(Stdio::null()).output().unwrap()
    };
    for args in [&["list"][..], &["show", &id.to_string()], &["types"], &["types", "research"]] {
        ended(&agent(TASKS, args), 0);
    }
    let status: Value = serde_json::from_str(&out(&agent(SWARM, &["status", "--json"]))).unwrap();
    assert_eq!(status["rehearsal"], true);
    let id = id.to_string();
    let refused: [(&str, &[&str]); 6] = [
        (TASKS, &["create", "--type", "research", "--payload", r#"{"question":"x"}"#]),
        (TASKS, &["cancel", &id]),
        (SWARM, &["approve", "1"]),
        (SWARM, &["stop"]),
        (SWARM, &["halt"]),
        (SWARM, &["tell", "hunter", "obey"]),
    ];
    for (program, args) in refused {
        let output = agent(program, args);
        ended(&output, 6);
        assert!(err(&output).starts_with("error: an agent may not "), "{}", err(&output));
    }
    assert_eq!(swarm.tasks(&["show", &id])["state"], "pending");
}

#[test]
fn an_agent_that_opens_its_door_over_and_over_closes_nobody_elses() {
    let swarm = quiet();
    let door = swarm.home.join("data/run/agents/hunter/swarm.sock");
    // More than a process may usually have open, if they were all let in.
    let open: Vec<UnixStream> = (0..400).map_while(|_| UnixStream::connect(&door).ok()).collect();
    assert!(open.len() > 16, "they wait with the system");
    let daemon = swarm.json(&["status"])["daemon_pid"].to_string();
    let files = fs::read_dir(format!("/proc/{daemon}/fd")).unwrap().count();
    assert!(files < 150, "{files} files are open");
    let look = |door: &std::path::Path| {
        let mut command = Command::new(TASKS);
        command.arg("list").env_clear().env("CLAUDE_SWARM_SOCKET", door).stdin(Stdio::null()).output().unwrap()
    };
    ended(&look(&swarm.home.join("data/run/agents/critic/swarm.sock")), 0);
    drop(open);
    ended(&look(&door), 0);
}
