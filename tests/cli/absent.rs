//! Where no daemon runs, or there is not even a home: what is said, and what a person can do.

use rstest::rstest;
use serde_json::{Value, json};

use super::place::Place;
use crate::output::{SWARM, TASKS, ended, err, out};

#[rstest]
#[case(SWARM, &["status"])]
#[case(SWARM, &["stop"])]
#[case(SWARM, &["approve", "1"])]
#[case(SWARM, &["events", "-f"])]
#[case(SWARM, &["ask", "anybody?"])]
#[case(TASKS, &["list"])]
#[case(TASKS, &["wait", "1"])]
fn without_a_daemon_it_is_said_how_to_start_it(#[case] program: &str, #[case] args: &[&str]) {
    let place = Place::home();
    let home = place.home.to_str().unwrap();
    let sentence = format!("the daemon of {home} is not running; start it with `claude-swarm start`");
    let plain = place.run(program, &[args, &["--home", home]].concat());
    ended(&plain, 3);
    assert_eq!(err(&plain), format!("error: {sentence}\n"));
    let as_json = place.run(program, &[args, &["--home", home, "--json"]].concat());
    ended(&as_json, 3);
    let problem: Value = serde_json::from_str(&err(&as_json)).unwrap();
    assert_eq!(problem, json!({"kind": "not_running", "exit": 3, "detail": sentence}));
}

#[test]
fn a_home_that_is_not_there_is_not_found() {
    let place = Place::empty();
    let output = place.run(SWARM, &["status"]);
    ended(&output, 4);
    assert!(err(&output).contains("  → give --home DIR"), "{}", err(&output));
    // In a sandbox there is no home, and none is needed.
    let mut command = place.command(TASKS, &["list"]);
    let output = command.env("CLAUDE_SWARM_SOCKET", "/run/swarm/swarm.sock").output().unwrap();
    ended(&output, 3);
    assert_eq!(err(&output), "error: no daemon listens at /run/swarm/swarm.sock\n");
}

#[test]
fn a_halt_where_nothing_runs_is_one() {
    let place = Place::home();
    let output = place.at_home(&["halt"]);
    ended(&output, 0);
    assert_eq!(out(&output), "halted. nothing ran; every process is gone\nnothing is started until `claude-swarm start`\n");
}
