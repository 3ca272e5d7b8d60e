//! What a CLI, a check or a git command on a tree may see: the bubblewrap command line. Pure: paths in, arguments out.
//!
//! Two namespaces lie inside each other. The inner one is the sandbox: the tree, a home, the system read-only, nothing else. The outer
//! one, the *guard*, changes nothing that is seen; its init holds the lock that proves the sandbox alive and ends everything when its
//! parent dies. It is there because the inner init runs with the agent's own user id, so that an agent may trace it, take its
//! descriptors and unset its parent-death signal. Into the guard's user namespace it cannot reach.
//!
//! Where root starts it, the agent is root to everything that asks for the user id only (files of root that are shown, `/proc/sys`). What
//! is known of that kind is out of reach here, but a daemon should not run as root.
//!
//! Not here: starting anything, reading the system (`worker` does, and passes what it found), seccomp filters, limits of memory and
//! processes.

mod argv;
mod environment;
mod layout;

use std::path::PathBuf;

pub use environment::{ETC_FILES, environment};
pub use layout::{Found, SYSTEM_PATHS, SystemEntry, SystemLayout};

/// Where the product's tree is, inside.
pub const WORKSPACE: &str = "/workspace";
/// The agent's home, inside.
pub const HOME: &str = "/home/agent";
/// The git directory of the tree, inside ([`Profile::Git`] only).
pub const GIT_DIR: &str = "/git";
/// The directory of the CLI's and our own binaries, inside.
pub const BIN: &str = "/opt/swarm/bin";
/// The directory of the agent's socket to the daemon, inside.
pub const SOCKET_DIR: &str = "/run/swarm";
/// The user and group id inside.
pub const ID: u32 = 1000;

/// Who runs inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A provider's CLI: shares the machine's network.
    Cli,
    /// A check of what an agent made: no network.
    Check,
    /// A git command on the tree: no network, and the git directory.
    Git,
}

/// One sandbox. All host paths are absolute and without symbolic links (canonical); what is hidden is found by comparing them.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Who runs inside.
    pub profile: Profile,
    /// The `bwrap` binary on the host.
    pub bwrap: PathBuf,
    /// What the host's system consists of.
    pub layout: SystemLayout,
    /// The tree: read and written at [`WORKSPACE`].
    pub tree: PathBuf,
    /// The home: read and written at [`HOME`].
    pub home: PathBuf,
    /// The tree's git directory: read and written at [`GIT_DIR`]. Used by [`Profile::Git`] only.
    pub git_dir: Option<PathBuf>,
    /// Programs to show in [`BIN`], each as (host path, name there).
    pub programs: Vec<(PathBuf, String)>,
    /// The directory that holds the agent's socket, shown at [`SOCKET_DIR`]. Read-only: a socket can be connected to there, but not
    /// be removed or replaced. Used by [`Profile::Cli`] only.
    pub socket_dir: Option<PathBuf>,
    /// A directory that holds [`ETC_FILES`], which take the place of the host's; none leaves the user without a name.
    pub etc: Option<PathBuf>,
    /// More paths of the host to show read-only at the same place, from settings.
    pub read_only: Vec<PathBuf>,
    /// Existing directories of the host that must not be seen, wherever they lie: the swarm's home, other people's. What is given above
    /// by name (tree, home, programs) is shown although it lies in one of them.
    pub hidden: Vec<PathBuf>,
    /// The size of `/tmp` in bytes; it is memory.
    pub tmp_bytes: u64,
    /// A descriptor that stays open exactly as long as anything inside may live, and that nobody inside has. The worker takes a
    /// lock on it first (`flock`) and starts bubblewrap with it open, so that there is no moment without a lock and whoever gets the
    /// lock later knows that the sandbox is gone. bubblewrap may have exited before: wait for the lock, not for the process.
    pub lock_fd: Option<i32>,
}

/// Why there is no sandbox for what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// A path is not absolute, or goes through `..`.
    #[error("{field}: {path} must be an absolute path without '..'")]
    NotAbsolute {
        /// The field of [`Sandbox`].
        field: &'static str,
        /// The path.
        path: String,
    },
    /// A path of settings would show what must be hidden.
    #[error("read_only: {path} lies in {hidden}, which agents must not see: leave it out")]
    ShowsHidden {
        /// The path.
        path: String,
        /// The hidden directory.
        hidden: String,
    },
    /// A path of settings would lie over the sandbox's own.
    #[error("read_only: {path} is the sandbox's own place: leave it out")]
    OwnPlace {
        /// The path.
        path: String,
    },
    /// A path or argument that is not text; bubblewrap would take it, JSON and logs would not.
    #[error("{field}: {path} is not valid UTF-8")]
    NotText {
        /// The field of [`Sandbox`].
        field: &'static str,
        /// The path, as far as it can be shown.
        path: String,
    },
    /// The profile needs a directory that was not given.
    #[error("{field} is missing, and the git profile needs it")]
    Missing {
        /// The field of [`Sandbox`].
        field: &'static str,
    },
}
