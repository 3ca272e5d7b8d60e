//! Addresses of sockets: the system takes 108 bytes, and a home may lie deeper than that.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

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
