//! The command lines where no daemon runs: exit codes, what is said, and what works without one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/output.rs"]
mod output;

mod cli {
    mod absent;
    mod doctor;
    mod homes;
    mod logs;
    mod place;
    mod usage;
}
