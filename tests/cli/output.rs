//! The two command lines, and what one of their runs wrote and how it ended. For the tests without a daemon (`cli`) and with one
//! (`cli_daemon`).

use std::process::Output;

pub const SWARM: &str = env!("CARGO_BIN_EXE_claude-swarm");
pub const TASKS: &str = env!("CARGO_BIN_EXE_claude-tasks");

/// What it wrote to the standard output.
pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it wrote to the standard error.
pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// It ended with this exit code.
#[track_caller]
pub fn ended(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "\n{}\n{}", out(output), err(output));
}
