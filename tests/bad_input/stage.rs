//! A daemon without agents, and the proof that a refusal changed nothing.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::TestSwarm;

/// A rehearsal whose daemon runs and whose agents do not: what is created stays as it is.
pub fn quiet() -> TestSwarm {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm
}

/// Everything that a request could change.
pub fn state(swarm: &TestSwarm) -> Value {
    let status = swarm.json(&["status"]);
    let agents: Vec<Value> = status["agents"].as_array().unwrap().iter().map(|agent| agent["state"].clone()).collect();
    let about = ["daemon_pid", "halted", "budget", "accounts", "queue", "failed"].map(|name| status[name].clone());
    json!({
        "agents": agents, "about": about, "tasks": swarm.tasks(&["list"]), "approvals": swarm.json(&["approvals", "--all"]),
        "products": swarm.json(&["products"]), "income": swarm.json(&["income", "list"]), "events": swarm.events(),
    })
}

/// What a command that is refused says, with its exit code: `5 error: … → …`. It must say it on the standard error, and nothing else.
pub fn said(output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out, "", "{error}");
    // A person's terminal is told each time that it is a rehearsal.
    let error = error.strip_prefix("REHEARSAL\n").unwrap_or(&error);
    format!("{} {error}", output.status.code().unwrap())
}

/// What happens in `attempt` changes nothing.
pub fn without_change<T>(swarm: &TestSwarm, attempt: impl FnOnce() -> T) -> T {
    let before = state(swarm);
    let answer = attempt();
    assert_eq!(state(swarm), before);
    answer
}

/// What a daemon says that must not come up. One that does is ended, and the test with it.
pub fn daemon(swarm: &TestSwarm) -> Output {
    let mut child = swarm.spawn_daemon();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            drop(child.kill());
            panic!("the daemon came up: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}
