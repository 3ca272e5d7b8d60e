//! What can go wrong with sessions. The sentences name the way out.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::{PaneId, ProcessIdentity};

/// Whose session has the wanted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// It has no mark of any home: a person's own.
    Person,
    /// It is marked by the home with this id.
    OtherHome(String),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person => f.write_str("a session that is not the swarm's"),
            Self::OtherHome(home) => write!(f, "a session of the home {home}"),
        }
    }
}

/// Why a runner did not do what it was asked.
#[derive(Debug, Error)]
pub enum RunnerError {
    /// The request cannot be carried out as it stands; nothing was changed.
    #[error("{field} {value:?} is not possible: {hint}")]
    Invalid {
        /// The field of [`super::StartSession`].
        field: &'static str,
        /// Its value.
        value: String,
        /// What would do.
        hint: &'static str,
    },
    /// Somebody else's session has the name; it was left untouched.
    #[error("the name {name} is taken by {holder}; rename that one (tmux rename-session -t {name} NEW) or end it")]
    NameTaken {
        /// The wanted name.
        name: String,
        /// Whose it is.
        holder: Holder,
    },
    /// This home's session of that name is there already; nothing was changed.
    #[error("{name} is there already, in pane {pane}")]
    AlreadyStarted {
        /// The wanted name.
        name: String,
        /// Where it is.
        pane: PaneId,
    },
    /// There is no such pane, or it is not this home's.
    #[error("there is no pane {0} of this home")]
    NotFound(PaneId),
    /// The pane changed hands between two looks at it; nothing was changed.
    #[error("pane {0} is no longer what it was; list again")]
    Changed(PaneId),
    /// A pane is not respawned while its process lives.
    #[error("process {} still runs in pane {pane}; stop it first", process.pid)]
    StillRunning {
        /// The pane.
        pane: PaneId,
        /// What runs there.
        process: ProcessIdentity,
    },
    /// The process had ended before it could be identified; its pane remains and tells how.
    #[error("the process in pane {0} ended at once")]
    ExitedAtOnce(PaneId),
    /// Some processes outlived SIGKILL (they hang in the kernel); the pane was left alone.
    #[error("{} did not end", pids(.0))]
    Survivors(Vec<ProcessIdentity>),
    /// The `tmux` program is not on the PATH.
    #[error("tmux is not installed, or not on the PATH")]
    NotInstalled,
    /// tmux did not answer in time; whether it did what it was asked is unknown.
    #[error("tmux {command} did not answer within {} s", after.as_secs())]
    Timeout {
        /// The first command asked for.
        command: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// tmux refused, in its own words.
    #[error("tmux {command}: {message}")]
    Tmux {
        /// The first command asked for.
        command: String,
        /// What it said.
        message: String,
    },
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn pids(processes: &[ProcessIdentity]) -> String {
    let pids: Vec<String> = processes.iter().map(|process| process.pid.to_string()).collect();
    format!("process {}", pids.join(", "))
}
