//! The client of the daemon's API: what people's and agents' command lines talk through.
//!
//! Here: reaching the daemon's socket, and what it means when nobody answers (`socket`, here), REST (`rest`), following events
//! (`follow`). Not here: what is shown (`cli`), what the shapes are (`protocol`).

mod follow;
mod rest;
mod socket;

pub use follow::{Follow, Seen};
pub use rest::{Operator, TaskQuery};

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::error::Error;

/// Why there is no answer, or which one it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the socket.
    #[error("no daemon listens at {}", socket.display())]
    NotRunning {
        /// Where one would listen.
        socket: PathBuf,
    },
    /// The daemon refused, or what it said could not be understood. Kind `Unavailable` also stands for a daemon that does not answer in
    /// time or whose connection broke; what was asked may have been done then.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// What a failed attempt to connect to a socket means.
fn unreachable(socket: &Path, error: &io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
            ClientError::NotRunning { socket: socket.to_owned() }
        }
        io::ErrorKind::PermissionDenied => Error::denied(format!("{} is not yours to use", socket.display()))
            .hint("only the user who started the daemon can talk to it")
            .into(),
        _ => Error::unavailable(format!("{}: {error}", socket.display())).into(),
    }
}
