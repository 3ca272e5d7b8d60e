//! Addresses of sockets: the system takes 108 bytes, and a home may lie deeper than that.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::{ClientError, unreachable};
use crate::domain::error::Error;

/// A daemon's socket.
pub(super) struct Socket {
    /// Goes through the open folder, so that the address is short wherever the folder is.
    short: PathBuf,
    shown: PathBuf,
    _folder: File,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Socket").field(&self.shown).finish()
    }
}

impl Socket {
    /// The folder must be there; the socket itself need not, yet.
    pub fn at(path: &Path) -> Result<Self, ClientError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::unavailable(format!("{}: that is no path of a socket", path.display())).into());
        };
        let folder = File::open(folder).map_err(|error| unreachable(path, &error))?;
        let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { short, shown: path.to_owned(), _folder: folder })
    }

    /// As people know it.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// A short path to it, good as long as this value lives.
    pub fn short(&self) -> &Path {
        &self.short
    }

    /// Connects to whoever listens there.
    pub async fn connect(&self) -> Result<UnixStream, ClientError> {
        UnixStream::connect(self.short()).await.map_err(|error| unreachable(&self.shown, &error))
    }
}
