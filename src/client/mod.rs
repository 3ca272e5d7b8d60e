//! The client of the daemon's doors.
//!
//! Here: what command lines talk through, REST (`rest`) and events (`follow`); what workers talk through, RPC (`link`) and the artifact
//! store (`blobs`); under them HTTP (`http`), reaching a socket (`socket`) and looking for it again (`pause`), and what it means when
//! nobody answers. Not here: what is shown (`cli`), what the shapes are (`protocol`).

pub mod blobs;
mod follow;
mod http;
pub mod link;
mod pause;
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

/// Where it makes no difference whether a daemon is there and cannot answer, or is not there.
impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning { .. } => Self::unavailable(error.to_string()),
            ClientError::Refused(error) => error,
        }
    }
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
