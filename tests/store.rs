//! The store: what it acknowledged is there, whatever happens to the process, the disk or the file; and what it cannot use it leaves
//! as it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod store {
    mod operations;
    mod upgrade;
}
