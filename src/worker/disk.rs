//! Work on the disk that may take long, done beside the worker's only thread.

use std::path::Path;
use std::{fs, io};

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
