//! What there is to say about the daemon itself.

use serde::{Deserialize, Serialize};

/// What a halt found and ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Halted {
    /// Sessions that were ended.
    pub sessions: Vec<String>,
    /// What could not be ended; empty when everything is gone.
    pub survivors: Vec<String>,
}

/// How the daemon is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// The home's folder.
    pub home: String,
}
