//! Tasks: created, shown, ended, and refused.

use std::fs;

use serde_json::{Value, json};

use super::stage::quiet;
use crate::output::{ended, err, out};

#[test]
fn tasks_are_created_shown_and_ended() {
    let swarm = quiet();
    let created = swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question":"why?"}"#, "--dedup-key", "k"]);
    ended(&created, 0);
    assert_eq!(out(&created), "task 1 created\n");
    let again = swarm.tasks(&["create", "--type", "research", "--payload", r#"{"question":"why?"}"#, "--dedup-key", "k"]);
    assert_eq!(again, json!({"id": 1, "existed": true}));
    let other = swarm.try_tasks(&["create", "--type", "research", "--payload", r#"{"question":"how?"}"#, "--dedup-key", "k"]);
    ended(&other, 5);

    let file = swarm.home.join("payload.json");
    fs::write(&file, r#"{"question": "from a file"}"#).unwrap();
    let argument = format!("@{}", file.display());
    let second = swarm.tasks(&["create", "--type", "research", "--payload", &argument, "--needs", "1", "--priority", "9"]);
    assert_eq!(second, json!({"id": 2}));
    let shown = swarm.tasks(&["show", "2"]);
    assert_eq!((&shown["state"], &shown["priority"]), (&json!("blocked"), &json!(9)));
    assert_eq!((&shown["payload"]["question"], &shown["needs"][0]["id"]), (&json!("from a file"), &json!(1)));
    for part in ["attempts", "artifacts", "events", "result", "claim"] {
        assert!(shown.get(part).is_some(), "{part}: {shown}");
    }
    let page = out(&swarm.try_tasks(&["show", "2"]));
    assert!(page.starts_with("task 2  research  blocked\n") && page.contains("  needs     1 (pending)\n"), "{page}");
    assert!(
        page.contains("question: from a file\n") && page.contains("task 2 created: research, priority 9 (by operator)"),
        "{page}"
    );

    let cancelled = swarm.try_tasks(&["cancel", "1", "--reason", "not now"]);
    assert_eq!(out(&cancelled), "task 1 cancelled\n");
    ended(&swarm.try_tasks(&["cancel", "1"]), 5);
    assert!(out(&swarm.try_tasks(&["show", "2"])).contains("it needs task 1, which is cancelled"));
    assert_eq!(out(&swarm.try_tasks(&["retry", "1"])), "task 1 is pending again\n");
    let cycle = swarm.try_tasks(&["depend", "1", "--needs", "2"]);
    ended(&cycle, 5);

    let listed = swarm.tasks(&["list", "--state", "blocked"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(swarm.tasks(&["list", "--limit", "1"]).as_array().unwrap().len(), 1);
    ended(&swarm.try_tasks(&["list", "--state", "sleeping"]), 2);
    assert_eq!(out(&swarm.try_tasks(&["list", "--type", "market"])), "no tasks\n");
}

#[test]
fn what_a_type_does_not_take_is_refused_with_the_field_and_the_way_out() {
    let swarm = quiet();
    let wrong = ["create", "--type", "scan_platform", "--payload", r#"{"platform": "npm", "topic": 7}"#];
    let output = swarm.try_tasks(&wrong);
    ended(&output, 2);
    assert!(err(&output).starts_with("error: payload.topic: ") && err(&output).contains("\n  → "), "{}", err(&output));
    let problem: Value = serde_json::from_str(&err(&swarm.try_tasks(&[&wrong[..], &["--json"]].concat()))).unwrap();
    assert_eq!((&problem["kind"], &problem["field"], &problem["exit"]), (&json!("invalid"), &json!("payload.topic"), &json!(2)));
    ended(&swarm.try_tasks(&["create", "--type", "research", "--payload", "{"]), 2);
    // What a person must have approved is not made by hand.
    ended(&swarm.try_tasks(&["create", "--type", "publish", "--payload", r#"{"approval": 1}"#]), 6);
    for args in [&["show", "77"][..], &["wait", "77"], &["retry", "77"], &["types", "nonsense"]] {
        ended(&swarm.try_tasks(args), 4);
    }
    assert_eq!(swarm.tasks(&["list"]), json!([]));

    let page = out(&swarm.try_tasks(&["types", "scan_platform"]));
    assert!(page.contains("topic     required  text, up to 400 characters"), "{page}");
    let example = page.lines().find_map(|line| line.split_once("--payload '")).unwrap().1.trim_end_matches('\'');
    swarm.create("scan_platform", &serde_json::from_str(example).unwrap());
}
