//! Logs from the files, and outputs that end or are full.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use super::place::Place;
use crate::output::{SWARM, ended, err, out};

#[test]
fn logs_are_read_from_the_files() {
    let place = Place::home();
    let missing = place.at_home(&["logs", "hunter"]);
    ended(&missing, 4);
    fs::create_dir(place.home.join("logs")).unwrap();
    fs::write(place.home.join("logs/hunter.log"), "one\n\u{1b}[31mtwo\u{1b}[0m\nthree\u{1b}[2J\u{7}\n").unwrap();
    let output = place.at_home(&["logs", "hunter", "-n", "2"]);
    ended(&output, 0);
    assert_eq!(out(&output), "two\nthree^[[2J^G\n");
    let lines = out(&place.at_home(&["logs", "hunter", "-n", "1", "--json"]));
    assert_eq!(lines, "\"three^[[2J^G\"\n");
    ended(&place.at_home(&["logs", "../config/settings"]), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::home();
    fs::create_dir(place.home.join("logs")).unwrap();
    fs::write(place.home.join("logs/hunter.log"), "a line\n".repeat(100_000)).unwrap();
    for args in [&["logs", "hunter", "-n", "100000"][..], &["logs", "hunter", "-f"], &["completions", "zsh"]] {
        let mut command = place.command(SWARM, args);
        command.env("CLAUDE_SWARM_HOME", &place.home).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        ended(&output, 0);
        assert!(output.stderr.is_empty(), "{args:?}: {}", err(&output));
    }
}

#[test]
fn an_output_that_is_full_is_a_failure() {
    let place = Place::home();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = place.command(SWARM, &["config", "check"]);
    let child = command.env("CLAUDE_SWARM_HOME", &place.home).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with("error: the output cannot be written: "), "{}", err(&output));
}

#[test]
fn a_log_that_cannot_be_read_is_named() {
    let place = Place::home();
    let log = place.home.join("logs/hunter.log");
    fs::create_dir_all(&log).unwrap();
    for args in [&["logs", "hunter"][..], &["logs", "hunter", "-f"]] {
        let output = place.at_home(args);
        ended(&output, 1);
        let said = format!("error: the log {} cannot be read: ", log.display());
        assert!(err(&output).starts_with(&said), "{}", err(&output));
    }
}
