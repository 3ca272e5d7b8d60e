//! Values and rules. No I/O, no async, no clock: time comes in as an argument.

pub mod time;
