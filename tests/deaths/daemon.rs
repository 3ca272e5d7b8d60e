//! The daemon dies; whoever starts it again finds everything as it was accepted.

use std::process::Command;

use rustix::process::Signal;

use super::reckoning::{Reckoning, reckon};
use super::story::{Death, Gate, stage};
use super::victims::{Process, cli_of, worker_of};
use crate::harness::TestSwarm;

/// A daemon that dies at a failpoint with a task waiting for the hunter, who is started only then.
fn dies_when_the_hunter_starts(failpoint: &str) -> (TestSwarm, Gate, Death) {
    let mut swarm = stage();
    swarm.start_daemon(&[]);
    let gate = Gate::create(&swarm);
    gate.open();
    swarm.arm(failpoint);
    // Whether it was told that this is done, a person does not know: the daemon may have died before it answered.
    swarm.try_run(&["start", "hunter"]);
    swarm.await_daemon_death();
    let death = Death::now();
    (swarm, gate, death)
}

#[test]
fn a_claim_that_was_committed_and_not_told_is_told_by_the_next_daemon() {
    let (mut swarm, gate, death) = dies_when_the_hunter_starts("daemon.claim-committed");
    swarm.restart_daemon();
    death.recovered(&swarm, gate.task, "task:started");
    let task = gate.passed(&swarm);
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1, "it is the same claim");
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_result_that_was_committed_and_not_answered_counts_once() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    swarm.arm("daemon.completion-committed");
    gate.open();
    swarm.await_daemon_death();
    swarm.restart_daemon();
    gate.passed(&swarm);
    // Its worker says it again, is told that it is done, and takes the next task.
    let next = Gate::create(&swarm);
    next.open();
    next.passed(&swarm);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_line_that_was_accepted_and_not_answered_is_one_message() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let server = swarm.tmux_server();
    swarm.arm("daemon.message-committed");
    let keys = ["-L", &server, "send-keys", "-t", "claude-hunter", "Prefer small tools.", "Enter"];
    assert!(Command::new("tmux").args(keys).status().unwrap().success());
    swarm.await_daemon_death();
    swarm.restart_daemon();
    gate.open();
    gate.passed(&swarm);
    // It reaches the CLI at work, if the worker is back in time, and otherwise the next one: either way once.
    let next = Gate::create(&swarm);
    next.open();
    next.passed(&swarm);
    assert_eq!((swarm.count("message:sent"), swarm.count("message:delivered")), (1, 1));
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_session_that_was_intended_and_not_started_is_started_once() {
    let (mut swarm, gate, death) = dies_when_the_hunter_starts("daemon.session-intended");
    swarm.restart_daemon();
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.passed(&swarm);
    assert_eq!(swarm.count("agent:ready"), 1);
    let agents = swarm.json(&["status"]);
    assert_eq!(agents["agents"].as_array().unwrap().iter().map(|agent| agent["restarts"].as_i64().unwrap()).sum::<i64>(), 0);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_session_that_was_started_and_not_written_down_is_adopted() {
    let (mut swarm, gate, death) = dies_when_the_hunter_starts("daemon.session-started");
    swarm.restart_daemon();
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.passed(&swarm);
    assert_eq!((swarm.count("agent:starting"), swarm.count("agent:ready")), (1, 1), "there was only ever one worker");
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_daemon_that_dies_while_a_cli_works_finds_it_at_work() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let cli = cli_of(worker);
    swarm.kill_daemon();
    assert!(worker.is_alive() && cli.is_alive());
    swarm.restart_daemon();
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(cli_of(worker), cli);
    gate.open();
    let task = gate.passed(&swarm);
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!((swarm.count("agent:starting"), swarm.count("agent:ended")), (1, 0));
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn what_a_cli_finished_while_no_daemon_ran_is_reported_to_the_next() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let cli = cli_of(worker);
    // The rehearsal's model lives in the daemon, so that the CLI has to wait for the next one and asks it again.
    swarm.kill_daemon();
    gate.open();
    swarm.restart_daemon();
    let task = gate.passed(&swarm);
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    cli.gone();
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_daemon_that_dies_in_the_middle_of_the_models_answer_costs_nothing() {
    let mut swarm = stage();
    let words = "word ".repeat(400);
    swarm.script(&format!(
        "name: slow\npace_ms: 0\ntasks:\n  - when: {{type: scan_platform}}\n    turns:\n      - {{say: Then the gate., tool: {{name: Bash, input: {{command: \"echo \
         first >>notes; touch at-gate\"}}}}}}\n      - {{say: \"{words}\", tool: {{name: Bash, input: {{command: \"echo second >>notes\"}}}}}}\n      - \
         result: {{summary: s, ideas: []}}\n"
    ));
    swarm.pace("1");
    let (gate, worker) = Gate::reached(&mut swarm);
    // The second answer takes two seconds to be said; the first of it is on its way.
    std::thread::sleep(std::time::Duration::from_millis(700));
    swarm.kill_daemon();
    swarm.restart_daemon();
    let task = gate.passed(&swarm);
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1, "{task:#}");
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}

#[test]
fn a_daemon_and_a_worker_that_die_at_once_lose_one_attempt() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let daemon = Process::of(swarm.daemon.as_ref().unwrap().id().into());
    daemon.signal(Signal::STOP);
    worker.kill();
    swarm.kill_daemon();
    let death = Death::now();
    gate.open();
    swarm.restart_daemon();
    death.recovered(&swarm, gate.task, "task:claimed");
    gate.passed(&swarm);
    assert_ne!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

#[test]
fn a_daemon_that_dies_over_and_over_loses_nothing() {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    for _ in 0..5 {
        swarm.kill_daemon();
        swarm.restart_daemon();
    }
    gate.open();
    gate.passed(&swarm);
    assert_eq!(worker_of(&swarm, "hunter"), worker);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(0));
}
