//! The operations, one by one, against the real store: what each does, and what it refuses without leaving a trace.
//!
//! Random interleavings of all of them are in `queue.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "operations/home.rs"]
mod home;

mod operations {
    mod accounts;
    mod agents;
    mod approvals;
    mod claims;
    mod judging;
    mod leases;
    mod messages;
    mod money;
    mod publishing;
    mod rounds;
    mod tasks;
    mod trees;
}
