//! The JSON shapes of REST, RPC, WebSocket and `--json`.
//!
//! Here: shapes, and how they are made from what the operations answer. Not here: what they mean (`swarm`), how they travel
//! (`server`, `client`).

pub mod approvals;
pub mod problem;
pub mod rpc;
pub mod status;
pub mod tasks;
pub mod various;

/// The version of the worker protocol. A daemon speaks this and the one before it.
pub const VERSION: u32 = 1;

/// The oldest version that a daemon still speaks.
pub const OLDEST: u32 = 1;

/// The largest request body that is not an artifact, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;
