//! The queue under everything at once: ten workers that die anywhere, a person, a daemon that is killed, reports that come too late.
//! After every step the whole database is held against what must always be true.
//!
//! The driver is random and its seed is printed: `QUEUE_SEED=17 cargo test --test queue` plays that one again. `QUEUE_SEEDS` and
//! `QUEUE_STEPS` say how many, and how long.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "operations/home.rs"]
mod home;

mod queue {
    mod crowd;
    mod others;
    mod random;
    mod runs;
    mod settle;
    mod watch;
    mod workers;
    mod world;
}
