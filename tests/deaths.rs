//! Deaths: whatever is ended by SIGKILL, at whatever point, what was accepted happens, once, and nothing is left behind.
//!
//! Each test tells a story with the whole swarm: the real CLI, real sandboxes, a tmux server of its own. One thing dies in it, at a failpoint or by
//! the test's hand; what a person or an init system would start again is started again; then the story runs to its end and is counted
//! (`deaths/reckoning.rs`). Run with `--nocapture` for the times that recovery took.

#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod deaths {
    mod conversation;
    mod daemon;
    mod frozen;
    mod publishing;
    mod reckoning;
    mod sandbox;
    mod story;
    mod tmux;
    mod victims;
    mod worker;
}
