//! The daemon's socket, at a path of any length.
//!
//! A socket's address holds 108 bytes; through the open folder the path to it may be longer.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::{ClientError, unreachable};

#[derive(Debug)]
pub(super) struct Socket {
    folder: File,
    name: OsString,
    shown: PathBuf,
}

impl Socket {
    /// The folder must be there; the socket itself need not, yet.
    pub fn at(path: &Path) -> Result<Self, ClientError> {
        let missing = || unreachable(path, &io::ErrorKind::NotFound.into());
        let name = path.file_name().ok_or_else(missing)?.to_owned();
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = File::open(folder).map_err(|error| unreachable(path, &error))?;
        Ok(Self { folder, name, shown: path.to_owned() })
    }

    /// As people know it.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// A short path to it, good as long as this value lives.
    pub fn short(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.folder.as_raw_fd().to_string()).join(&self.name)
    }

    pub async fn connect(&self) -> Result<UnixStream, ClientError> {
        UnixStream::connect(self.short()).await.map_err(|error| unreachable(&self.shown, &error))
    }
}
