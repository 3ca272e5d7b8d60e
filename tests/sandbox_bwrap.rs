//! The sandbox with the real bubblewrap: what is inside cannot see, cannot reach, and does not outlive.
//!
//! Exact arguments are tested beside `sandbox/argv.rs`. Where bubblewrap does not work these tests fail rather than pass unseen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sandbox_bwrap {
    mod attacks;
    mod lifetime;
    mod stage;
    mod view;
}
