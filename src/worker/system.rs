//! The machine: what its system consists of, for the sandbox to show; and work on its disk that may take long.

use std::path::Path;
use std::{fs, io};

use crate::sandbox::{Found, SystemLayout};

/// What the system consists of.
pub(super) fn look() -> SystemLayout {
    SystemLayout::from_looking(|path| {
        let about = fs::symlink_metadata(path).ok()?;
        if !about.is_symlink() {
            return Some(Found::Other);
        }
        // A link that leads nowhere cannot be shown.
        fs::metadata(path).ok()?;
        fs::read_link(path).ok().map(Found::Link)
    })
}

/// Does what may take long beside the worker's only thread, which has a claim to renew and a CLI to follow.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

/// Takes a folder away with all that is in it, if it is there.
pub(super) async fn remove_folder(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
    .await?
}

/// The path without links and `..`, as the sandbox compares it.
pub(super) fn canonical(path: &Path) -> std::io::Result<std::path::PathBuf> {
    fs::canonicalize(path)
}
