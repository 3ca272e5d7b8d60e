//! Help, and what is not understood.

use rstest::rstest;
use serde_json::{Value, json};

use super::place::Place;
use crate::output::{SWARM, TASKS, ended, err, out};

#[rstest]
#[case(SWARM, "claude-swarm")]
#[case(TASKS, "claude-tasks")]
fn help_and_version_are_no_errors(#[case] program: &str, #[case] name: &str) {
    let place = Place::empty();
    let version = place.run(program, &["--version"]);
    ended(&version, 0);
    assert_eq!(out(&version), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    let help = place.run(program, &["--help"]);
    ended(&help, 0);
    let words = out(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("0 done, 1 failed, 2 usage, 3 daemon not running, 4 not found, 5 conflict or stale, 6 not allowed"),
        "{words}"
    );
    let script = place.run(program, &["completions", "bash"]);
    ended(&script, 0);
    assert!(out(&script).contains(&format!("complete -F _{}", name.replace('-', "__"))), "{}", out(&script));
}

#[rstest]
#[case(SWARM, &["nonsense"])]
#[case(SWARM, &["reject", "3"])]
#[case(SWARM, &["approve", "three"])]
#[case(SWARM, &["income", "add", "1.234", "--source", "x"])]
#[case(SWARM, &["income", "add", "1", "--source", "x", "--date", "2026-02-30"])]
#[case(SWARM, &["stop", "hunter", "--keep-sessions"])]
#[case(TASKS, &["wait", "1", "--timeout", "60"])]
#[case(TASKS, &["create"])]
#[case(TASKS, &["list", "--limit", "0"])]
fn what_is_not_understood_is_a_usage_error(#[case] program: &str, #[case] args: &[&str]) {
    let place = Place::empty();
    let plain = place.run(program, args);
    ended(&plain, 2);
    assert!(err(&plain).starts_with("error: ") && plain.stdout.is_empty(), "{}", err(&plain));
    let as_json = place.run(program, &[args, &["--json"]].concat());
    ended(&as_json, 2);
    let problem: Value = serde_json::from_str(&err(&as_json)).unwrap();
    assert_eq!((&problem["kind"], &problem["exit"]), (&json!("invalid"), &json!(2)), "{problem}");
    assert!(!problem["detail"].as_str().unwrap().contains('\n'), "{problem}");
}

#[test]
fn without_a_verb_there_is_help() {
    let place = Place::empty();
    let plain = place.run(SWARM, &["income"]);
    ended(&plain, 2);
    assert!(err(&plain).contains("Usage: claude-swarm income"), "{}", err(&plain));
    let problem: Value = serde_json::from_str(&err(&place.run(SWARM, &["income", "--json"]))).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("requires a subcommand"), "{problem}");
    assert_eq!((&problem["exit"], &problem["hint"]), (&json!(2), &json!("see --help")));
}
