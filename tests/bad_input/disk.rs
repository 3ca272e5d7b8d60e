//! A disk that is full: nothing is accepted that is not kept, and everything goes on when there is room again.
//!
//! The home lies in a small file system of its own, in a mount namespace that bubblewrap makes, so that nobody need be root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::stage::{said, state};
use crate::harness::{TestSwarm, processes_of};

/// More than the log's last page has room for: lines are lost from then on.
const REFUSED: usize = 100;

/// Set in the namespace: where the small file system is.
const SMALL: &str = "SWARM_TEST_SMALL_DISK";

/// The size of the small file system, in bytes.
const SIZE: &str = "12582912";

#[test]
fn a_full_disk_takes_nothing_and_loses_nothing() {
    on_a_small_disk("bad_input::disk::a_full_disk_takes_nothing_and_loses_nothing", takes_and_loses_nothing);
}

#[test]
fn a_full_disk_does_not_keep_the_swarm_from_being_stopped() {
    on_a_small_disk("bad_input::disk::a_full_disk_does_not_keep_the_swarm_from_being_stopped", is_stopped);
}

/// Starts the test of this name once more, where there is a small disk, and there runs it.
#[expect(clippy::disallowed_methods, reason = "the test starts itself again and says so")]
fn on_a_small_disk(name: &str, test: fn(&Path)) {
    if let Some(folder) = std::env::var_os(SMALL) {
        return test(folder.as_ref());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut again = Command::new("bwrap");
    again
        .args(["--dev-bind", "/", "/", "--size", SIZE, "--tmpfs"])
        .arg(folder.path())
        .args(["--setenv", SMALL])
        .arg(folder.path());
    again.args(["--die-with-parent", "--"]).arg(std::env::current_exe().unwrap());
    let output = again.args(["--exact", name, "--nocapture"]).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Fills the disk, and answers with the file that does.
fn fill(swarm: &TestSwarm) -> PathBuf {
    let ballast = swarm.home.join("ballast");
    let full = Command::new("dd").args(["if=/dev/zero", "bs=4096"]).arg(format!("of={}", ballast.display())).output().unwrap();
    assert!(String::from_utf8_lossy(&full.stderr).contains("No space left"), "{full:?}");
    ballast
}

fn is_stopped(folder: &Path) {
    let mut swarm = TestSwarm::rehearsal_in(folder);
    swarm.start_daemon(&[]);
    swarm.run(&["start", "hunter", "critic"]);
    let ballast = fill(&swarm);
    // What was reserved before is used up.
    let order = || swarm.try_run(&["tell", "pm", &"m ".repeat(2000)]);
    assert!((0..2000).any(|_| !order().status.success()), "the disk was never full");
    let halted = swarm.try_run(&["halt", "--reason", "no room"]);
    let said = String::from_utf8_lossy(&halted.stdout).into_owned();
    assert!(halted.status.success() && said.contains("claude-critic, claude-hunter, the daemon (process "), "{halted:?}");
    assert!(said.contains("every process is gone"), "{said}");
    swarm.await_daemon_death();
    assert_eq!(processes_of(&swarm.home), []);

    fs::remove_file(&ballast).unwrap();
    swarm.restart_daemon();
    let status = swarm.json(&["status"]);
    assert!(!status["halted"].is_null(), "{status:#}");
    assert!(status["agents"].as_array().unwrap().iter().all(|agent| agent["state"] == "absent"), "{status:#}");
}

fn takes_and_loses_nothing(folder: &Path) {
    let mut swarm = TestSwarm::rehearsal_in(folder);
    swarm.start_daemon(&[]);
    let mut accepted: Vec<i64> = (0..5).map(|n| swarm.create("research", &json!({"question": format!("before {n}")}))).collect();

    let ballast = fill(&swarm);
    // What was reserved before may still be used up; then the answer is clear, and says that nothing was changed.
    let payload = json!({"question": "q ".repeat(1900)}).to_string();
    let refused = (0..2000).find_map(|_| {
        let output = swarm.try_tasks(&["create", "--type", "research", "--payload", &payload, "--json"]);
        if output.status.success() {
            let created: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            accepted.push(created["id"].as_i64().unwrap());
            return None;
        }
        Some(swarm.try_tasks(&["create", "--type", "research", "--payload", &payload]))
    });
    let refused = refused.expect("the disk was never full");
    insta::assert_snapshot!(said(&refused), @r#"
    1 error: the disk is full; nothing was changed
      → free some space and ask again
    "#);
    for _ in 0..REFUSED {
        let (status, answer) = swarm.rest(
            "POST",
            "/api/v1/tasks",
            json!({"type": "research", "payload": {"question": "q ".repeat(1900)}}).to_string().as_bytes(),
        );
        assert_eq!((status, &answer["detail"]), (503, &json!("the disk is full; nothing was changed")), "{answer}");
    }
    let before = state(&swarm);
    let others = [
        said(&swarm.try_tasks(&["cancel", "1", "--reason", &"r ".repeat(900)])),
        said(&swarm.try_run(&["tell", "hunter", &"m ".repeat(2000)])),
        said(&swarm.try_run(&["income", "add", "5", "--source", &"s ".repeat(90)])),
    ];
    for other in &others {
        assert_eq!(other, &said(&refused));
    }
    assert_eq!(state(&swarm), before, "it can still be looked at, and nothing was changed");
    let ids = |swarm: &TestSwarm| {
        let listed = swarm.tasks(&["list", "--limit", "1000"]);
        let mut ids: Vec<i64> = listed.as_array().unwrap().iter().map(|task| task["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&swarm), accepted);

    fs::remove_file(&ballast).unwrap();
    accepted.push(swarm.create("research", &json!({"question": "after"})));
    swarm.kill_daemon();
    swarm.restart_daemon();
    assert_eq!(ids(&swarm), accepted, "what was accepted is there, and what was refused is not");
}
