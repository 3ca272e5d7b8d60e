//! What people, scripts and broken files do wrong: it changes nothing, and the answer names the field, what was wrong, and the way out.
//!
//! Here: through the front doors, with the real daemon. Not here: the rules one by one (`operations`, `config`) and what hostile agents do
//! (`inside`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
mod bad_input {
    mod asked;
    mod decided;
    mod disk;
    mod files;
    mod places;
    mod requests;
    mod stage;
    mod stale;
    mod twice;
}
