//! What an agent can do from inside its sandbox when its model is hostile: whole swarms with the real CLI, whose scripted model does what
//! the test tells it.
//!
//! Here: attacks on the swarm and the machine, through everything that an agent can write or reach. Not here: bubblewrap's own walls
//! (`sandbox_bwrap`) and what people do wrong (`bad_input`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
mod inside {
    mod stage;

    mod door;
    mod evidence;
    mod links;
    mod login;
    mod obeyed;
    mod reach;
    mod recorder;
    mod remains;
}
