//! The tmux runner against the real tmux. Every test has a tmux server of its own, which is ended with the test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod runner_tmux {
    mod stage;

    mod configurations;
    mod exits;
    mod owners;
    mod servers;
    mod shown;
    mod starting;
    mod stopping;
}
