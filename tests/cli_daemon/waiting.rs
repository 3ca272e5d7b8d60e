//! Waiting for tasks, questions and events, with a daemon that dies meanwhile.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::stage::{quiet, research};
use crate::harness::{Events, PATIENCE, TestSwarm};
use crate::output::{TASKS, ended, err};

/// `claude-tasks wait`, in the background.
fn waiting(swarm: &TestSwarm, id: i64) -> Child {
    let mut command = Command::new(TASKS);
    command.args(["wait", &id.to_string(), "--timeout", "60s"]).env("CLAUDE_SWARM_HOME", &swarm.home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Until a waiting client follows the events: beside the three sockets of its runtime it has one for requests and one for events.
fn until_following(child: &Child) {
    let folder = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let began = std::time::Instant::now();
    let sockets = || {
        let links = fs::read_dir(&folder).into_iter().flatten().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    };
    while sockets() < 5 {
        assert!(began.elapsed() < PATIENCE, "the client does not follow");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn waiting_ends_with_the_task_the_time_or_neither() {
    let mut swarm = quiet();
    let id = research(&swarm);
    let late = swarm.try_tasks(&["wait", &id.to_string(), "--timeout", "50ms"]);
    ended(&late, 1);
    assert!(err(&late).starts_with(&format!("error: timed out after 0s: task {id} (research) is pending\n")), "{}", err(&late));

    let waiter = waiting(&swarm, id);
    until_following(&waiter);
    swarm.try_tasks(&["cancel", &id.to_string(), "--reason", "never mind"]);
    let output = waiter.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with(&format!("error: task {id} (research) cancelled: never mind\n")), "{}", err(&output));
    // One that is over is not waited for.
    ended(&swarm.try_tasks(&["wait", &id.to_string()]), 1);

    // The daemon may die meanwhile.
    let id = research(&swarm);
    let waiter = waiting(&swarm, id);
    until_following(&waiter);
    swarm.kill_daemon();
    swarm.restart_daemon();
    swarm.try_tasks(&["cancel", &id.to_string()]);
    let output = waiter.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with(&format!("error: task {id} (research) cancelled: ")), "{}", err(&output));
}

#[test]
fn events_are_followed_across_a_restart_and_none_is_missed() {
    let mut swarm = quiet();
    let events = Events::follow(&swarm);
    let tasks: Vec<i64> = (0..3)
        .map(|round| {
            let id = research(&swarm);
            if round == 1 {
                swarm.kill_daemon();
                swarm.restart_daemon();
            }
            id
        })
        .collect();
    let mut created = Vec::new();
    let mut last = 0;
    while created.len() < tasks.len() {
        let event = events.next(PATIENCE).expect("an event");
        let seq = event["seq"].as_i64().unwrap();
        assert!(seq > last, "{event}");
        last = seq;
        if event["kind"] == "task:created" {
            created.push(event["task"].as_i64().unwrap());
        }
    }
    assert_eq!(created, tasks);
    let all = swarm.events();
    assert_eq!(all.iter().filter(|event| event["kind"] == "task:created").count(), 3);
    let lines = swarm.run(&["events", "-n", "1"]);
    assert!(lines.trim_end().ends_with("task 3 created: research, priority 5 (by operator)"), "{lines}");
}

#[test]
fn a_question_that_nobody_takes_says_so() {
    let swarm = quiet();
    let output = swarm.try_run(&["ask", "anybody?", "--timeout", "100ms"]);
    ended(&output, 1);
    assert!(err(&output).contains("no agent takes it now; `claude-swarm start liaison` brings one"), "{}", err(&output));
    let order = swarm.run(&["order", "look at npm", "--no-wait"]);
    assert_eq!(order, "task 2 created; `claude-tasks show 2` shows the answer\n");
    assert_eq!(swarm.tasks(&["show", "2"])["payload"], json!({"order": "look at npm"}));
}
