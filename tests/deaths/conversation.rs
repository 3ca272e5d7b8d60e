//! What a death leaves of a conversation: it goes on where it can, and is begun anew where nothing of it was kept.

use std::fs;

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
