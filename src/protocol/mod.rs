//! The JSON shapes of REST, RPC, WebSocket and `--json`.
//!
//! Here: shapes. Not here: what they mean (`swarm`), how they are made from what the operations answer (`server::views`), how they travel
//! (`server`, `client`).

pub mod agents;
pub mod approvals;
pub mod artifacts;
pub mod daemon;
pub mod income;
pub mod problem;
pub mod products;
pub mod rpc;
pub mod status;
pub mod tasks;

use serde::{Deserialize, Serialize};

/// The version of the worker protocol. A daemon speaks this and the one before it.
pub const VERSION: u32 = 1;

/// The oldest version that a daemon still speaks.
pub const OLDEST: u32 = 1;

/// The largest request body that is not an artifact, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;

/// Something of which only the number is answered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Id {
    /// The number.
    pub id: i64,
}
