//! What a death leaves of a conversation: it goes on where it can, and is begun anew where nothing of it was kept.

use std::collections::BTreeMap;
use std::fs;

use super::publishing::product;
use super::reckoning::{Reckoning, reckon};
use super::story::{Gate, stage};
use super::victims::{Process, tmux_of};

/// A power cut: everything dies at once, and of the conversation's file only this is left on the disk.
fn power_cut(keep: impl FnOnce(&str) -> String) {
    let mut swarm = stage();
    let (gate, worker) = Gate::reached(&mut swarm);
    let daemon = Process::of(swarm.daemon.as_ref().unwrap().id().into());
    for victim in [daemon, tmux_of(&swarm), worker] {
        victim.kill();
    }
    swarm.await_daemon_death();
    worker.gone();
    let file = gate.conversation(&swarm).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, keep(&text)).unwrap();
    gate.open();
    swarm.restart_daemon();
    gate.done(&swarm);
    assert_eq!(reckon(&mut swarm), Reckoning::lost(1));
}

#[test]
fn a_conversation_whose_file_is_empty_is_begun_anew() {
    power_cut(|_| String::new());
}

#[test]
fn a_conversation_in_which_nothing_was_said_is_begun_anew() {
    power_cut(|text| {
        let before = text.lines().take_while(|line| line.contains("queue-operation"));
        let before: String = before.map(|line| format!("{line}\n")).collect();
        assert!(!before.is_empty(), "the CLI writes down first what it will be asked: {text}");
        before
    });
}

#[test]
fn a_conversation_whose_first_line_is_torn_is_begun_anew() {
    power_cut(|text| {
        let at = text.find("\"type\":\"user\"").unwrap();
        text[..at].to_owned()
    });
}

#[test]
fn a_conversation_whose_last_line_is_torn_goes_on() {
    power_cut(|text| text[..text.len() - 40].to_owned());
}

/// A build whose first answer does not pass its check.
const FAILING: &str = r#"
  - when: {type: build_product, attempt: 1}
    turns:
      - tool: {name: Bash, input: {command: "touch README.md; echo 'echo not yet; exit 1' >test.sh"}}
      - result: {summary: b, files: [README.md, test.sh]}
"#;

#[test]
fn a_correction_that_nobody_heard_is_said_by_the_next() {
    let mut swarm = stage();
    swarm.script_first(FAILING);
    product(&mut swarm, &["--auto-approve"]);
    swarm.until("the build is not accepted", |swarm| (swarm.count("task:retrying") == 1).then_some(()));
    swarm.arm("worker.before-spawn");
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    assert!(swarm.reached("worker.before-spawn"));
    let reckoning = reckon(&mut swarm);
    assert_eq!(reckoning, Reckoning { lost: 1, failed: BTreeMap::from([("checks_failed".to_owned(), 1)]) });
}

#[test]
fn a_correction_that_was_heard_is_said_once() {
    let mut swarm = stage();
    swarm.script_first(FAILING);
    product(&mut swarm, &["--auto-approve"]);
    swarm.until("the build is not accepted", |swarm| (swarm.count("task:retrying") == 1).then_some(()));
    swarm.arm("worker.before-report");
    let posted = swarm.until_type("post");
    swarm.until_task(posted, &["done"]);
    assert!(swarm.reached("worker.before-report"));
    let build = swarm.until_type("build_product");
    let conversation = swarm.tasks(&["show", &build.to_string()])["attempts"][0]["conversation"].as_str().unwrap().to_owned();
    let file = format!("data/tasks/{build}/home/.claude/projects/-workspace/{conversation}.jsonl");
    let text = fs::read_to_string(swarm.home.join(file)).unwrap();
    let said =
        text.lines().filter(|line| line.contains("\"type\":\"user\"") && line.contains("Your last answer was not accepted"));
    assert_eq!(said.count(), 1, "{text}");
    let reckoning = reckon(&mut swarm);
    assert_eq!(reckoning, Reckoning { lost: 1, failed: BTreeMap::from([("checks_failed".to_owned(), 1)]) });
}
