//! The rehearsal server against the real `claude` CLI, and against whatever else may speak to its socket.
//!
//! The CLI is the program that `CLAUDE_SWARM_TEST_CLAUDE` names, else `claude` on the PATH. It runs with a HOME and a working directory of its
//! own and talks to loopback only.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod rehearsal {
    mod stage;

    mod conversations;
    mod failing;
    mod killed;
    mod strangers;
}
