//! Values and rules. No I/O, no async, no clock: time comes in as an argument.

pub mod backoff;
pub mod failure;
pub mod time;
