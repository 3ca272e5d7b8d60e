//! What a worker is told when it says hello: everything that holds for all its tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything that does not change while a worker lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol that is spoken from here on.
    pub protocol: u32,
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
    /// The agent's title.
    pub title: String,
    /// How long a claim lasts without being renewed, in milliseconds.
    pub lease_ms: u64,
    /// How the CLI is started.
    pub provider: ProviderSettings,
    /// What the sandbox shows.
    pub sandbox: SandboxSettings,
    /// Where things are.
    pub paths: Paths,
    /// The agent's log.
    pub log: LogSettings,
    /// The most bytes that a product's snapshot may have.
    pub snapshot_max_bytes: u64,
}

/// How the CLI is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// Which: `claude`.
    pub name: String,
    /// Where its requests go, if not to the provider itself.
    pub base_url: Option<String>,
    /// More environment.
    pub env: BTreeMap<String, String>,
    /// What of its values must not be shown.
    pub secrets: Vec<String>,
    /// More arguments.
    pub args: Vec<String>,
    /// How often the CLI may repeat a request by itself.
    pub max_retries: u32,
    /// After how long without a line the stream counts as stalled, in milliseconds.
    pub stall_ms: u64,
}

/// What the sandbox shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSettings {
    /// False only where the settings say so.
    pub enabled: bool,
    /// More folders that may be read.
    pub read_only: Vec<String>,
    /// Folders that must not be seen, wherever they lie.
    pub hidden: Vec<String>,
}

/// Where things are on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// Products' trees.
    pub projects: String,
    /// Products' histories.
    pub git: String,
    /// A folder a task: the CLI's home, scratch trees.
    pub tasks: String,
    /// The folder with the agent's own socket.
    pub agent_socket: String,
    /// Files that are locked while a sandbox lives.
    pub sandboxes: String,
    /// The agent's log.
    pub log: String,
    /// The folder with this program's binaries.
    pub binaries: String,
}

/// The agent's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSettings {
    /// Size at which a new file begins, in bytes.
    pub max_bytes: u64,
    /// Older files that are kept.
    pub keep: u32,
}
