//! The command lines against the real daemon: what a verb changes, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
#[path = "cli/output.rs"]
mod output;

mod cli_daemon {
    mod approvals;
    mod door;
    mod life;
    mod people;
    mod stage;
    mod tasks;
    mod waiting;
}
