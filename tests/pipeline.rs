//! The main job: ten agents take a product from an idea to its outlet, with the real CLI in real sandboxes in real tmux sessions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

use std::fs;
use std::process::Command;

use harness::TestSwarm;
use serde_json::{Value, json};

/// The folder of the outlet that holds the product, if it is there.
fn product(swarm: &TestSwarm) -> Option<std::path::PathBuf> {
    let mut folders = fs::read_dir(swarm.home.join("downloads")).ok()?.flatten().map(|entry| entry.path());
    folders.find(|path| path.join("test.sh").is_file())
}

fn by_id(approvals: &Value, id: i64) -> Value {
    approvals.as_array().unwrap().iter().find(|approval| approval["id"] == id).unwrap().clone()
}

#[test]
fn a_product_goes_from_idea_to_published_through_its_gates() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.run(&["start"]);

    let status = swarm.json(&["status"]);
    assert_eq!(status["rehearsal"], true);
    assert_eq!(status["agents"].as_array().unwrap().len(), 10);
    for agent in status["agents"].as_array().unwrap() {
        assert_eq!(agent["state"], "idle", "{agent}");
        assert_eq!(agent["session"], json!(format!("claude-{}", agent["name"].as_str().unwrap())));
    }
    let sessions = swarm.tmux(&["list-sessions", "-F", "#{session_name}"]);
    assert_eq!(sessions.lines().filter(|name| name.starts_with("claude-")).count(), 10, "{sessions}");

    swarm.create_scan();
    // The gate before building: a person sees the specification and says no once.
    let build = swarm.until_approval("build");
    assert!(product(&swarm).is_none());
    swarm.run(&["reject", &build["id"].to_string(), "--reason", "Say what happens to links with spaces."]);
    let again = swarm.until_approval("build");
    assert_ne!((&again["id"], &again["snapshot"]), (&build["id"], &build["snapshot"]), "the specification was revised");
    swarm.run(&["approve", &again["id"].to_string()]);

    // The gate before publishing: it waits, and nothing is on the outlet until it is passed.
    let publish = swarm.until_approval("publish");
    assert!(product(&swarm).is_none());
    assert_eq!(publish["terms"]["outlet"], "local");
    swarm.run(&["approve", &publish["id"].to_string()]);
    let post = swarm.until_approval("post");
    swarm.run(&["approve", &post["id"].to_string()]);
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);

    // What a person decided is on record, bound to what they saw.
    let all = swarm.json(&["approvals", "--all"]);
    for (asked, state) in [(&build, "rejected"), (&again, "approved"), (&publish, "approved"), (&post, "approved")] {
        let decided = by_id(&all, asked["id"].as_i64().unwrap());
        assert_eq!(decided["state"], state);
        assert_eq!(decided["decided_by"], "operator");
        assert_eq!((&decided["snapshot"], &decided["binding"]), (&asked["snapshot"], &asked["binding"]));
    }

    // The review found the defect of the first round, and the second passed.
    let verdicts: Vec<Value> =
        swarm.tasks(&["list", "--type", "code_review"]).as_array().unwrap().iter().map(|task| task["verdict"].clone()).collect();
    assert_eq!(verdicts, [json!("pass"), json!("fail")]);

    // What was published is what was approved, and its tests pass when they are run by hand.
    let folder = product(&swarm).expect("the product is on the outlet");
    let output = Command::new("sh").arg("./test.sh").current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(swarm.count("publication:published"), 2, "the product and its posts, once each");

    // The shapes that are promised.
    let first = swarm.tasks(&["show", "1"]);
    assert_eq!(first["artifacts"][0]["name"], "transcript");
    let shown = swarm.try_tasks(&["show", "1", "--artifact", "transcript"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("task 1 · scan_platform · attempt 1") && shown.contains("result: "), "{shown}");
    for field in ["state", "attempts", "claim", "result", "artifacts", "events"] {
        assert!(first.get(field).is_some(), "{field}");
    }
    let status = swarm.json(&["status"]);
    let agent = &status["agents"][0];
    for field in ["name", "role", "model", "provider", "state", "session", "pid", "task", "restarts"] {
        assert!(agent.get(field).is_some(), "{field}");
    }
    assert!(status["budget"]["spent_usd"].as_f64().unwrap() > 0.0);
    assert!(agent["restarts"].as_i64().unwrap() == 0);
}

#[test]
fn a_rehearsal_decides_by_itself_only_where_it_is_told_to() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&["--auto-approve"]);
    swarm.run(&["start"]);
    swarm.create_scan();
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    let all = swarm.json(&["approvals", "--all"]);
    assert!(all.as_array().unwrap().iter().all(|approval| approval["decided_by"] == "rehearsal"), "{all}");

    let real = TestSwarm::real();
    let refused = real.try_run(&["daemon", "--auto-approve"]);
    assert_eq!(refused.status.code(), Some(6), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn a_person_asks_and_is_answered() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.run(&["start"]);
    let answer = swarm.run(&["ask", "what are you doing?"]);
    assert!(answer.contains("hunter"), "{answer}");
}

#[test]
fn a_line_typed_in_the_pane_reaches_the_agent() {
    let mut swarm = TestSwarm::rehearsal();
    swarm.start_daemon(&[]);
    swarm.run(&["start"]);
    // Keys that would end, stop or freeze what runs at a terminal do none of that here.
    swarm.tmux(&["send-keys", "-t", "claude-hunter", "C-c", "C-z", "C-d", "C-\\", "C-s", "Enter"]);
    swarm.tmux(&["send-keys", "-t", "claude-hunter", "Prefer small tools.", "Enter"]);
    swarm.until("the message is accepted", |swarm| (swarm.count("message:sent") == 1).then_some(()));
    let id = swarm.create_scan();
    swarm.until("the message is delivered", |swarm| (swarm.count("message:delivered") == 1).then_some(()));
    swarm.until_task(id, &["done"]);
    let log = fs::read_to_string(swarm.home.join("logs/hunter.log")).unwrap();
    assert!(log.contains("Prefer small tools."), "{log}");
    assert_eq!(swarm.json(&["status"])["agents"].as_array().unwrap().iter().filter(|agent| agent["restarts"] != 0).count(), 0);
}
