//! claude-swarm: a daemon that keeps a swarm of role agents alive.
//!
//! The rooms and who may enter which are in ARCHITECTURE.md; `tests/rooms.rs` reads the `use crate::` lines and holds them to it.

pub mod artifacts;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod failpoint;
pub mod protocol;
pub mod provider;
pub mod publish;
pub mod rehearsal;
pub mod runner;
pub mod sandbox;
pub mod secrets;
pub mod server;
pub mod store;
pub mod supervisor;
pub mod swarm;
pub mod worker;
