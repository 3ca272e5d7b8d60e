//! Addresses of sockets: the system takes 108 bytes, and a home may lie deeper than that.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::{ClientError, unreachable};

/// A way to a socket that is short enough, and what keeps it open.
pub(super) struct ShortPath {
    /// What to connect to.
    pub path: PathBuf,
    _folder: File,
}

/// Goes through the open folder, so that the address is short wherever the folder is.
pub(super) fn shorten(socket: &Path) -> io::Result<ShortPath> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is no path of a socket"));
    };
    let folder = File::open(folder)?;
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok(ShortPath { path, _folder: folder })
}

/// A daemon's socket, as whoever asks for an operation uses it.
pub(super) struct Socket {
    short: ShortPath,
    shown: PathBuf,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Socket").field(&self.shown).finish()
    }
}

impl Socket {
    /// The folder must be there; the socket itself need not, yet.
    pub fn at(path: &Path) -> Result<Self, ClientError> {
        let short = shorten(path).map_err(|error| unreachable(path, &error))?;
        Ok(Self { short, shown: path.to_owned() })
    }

    /// As people know it.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// A short path to it, good as long as this value lives.
    pub fn short(&self) -> &Path {
        &self.short.path
    }

    pub async fn connect(&self) -> Result<UnixStream, ClientError> {
        UnixStream::connect(self.short()).await.map_err(|error| unreachable(&self.shown, &error))
    }
}
