//! Bytes out of the artifact store: fetched from the daemon, checked against their hashes.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::progress::Progress;
use crate::client::Operator;
use crate::domain::error::Error;
use crate::domain::snapshot::{Entry, check_path};

/// The largest file that is printed, in bytes.
const PRINT_MAX: u64 = 32 * 1024 * 1024;

/// The bytes of a file that is to be printed.
pub(crate) async fn bytes(operator: &Operator, entry: &Entry) -> Done<Vec<u8>> {
    if entry.size > PRINT_MAX {
        let error = Error::invalid("file", format!("{} bytes are too many to print", entry.size));
        return Err(error.hint("take it with --export DIR").into());
    }
    let mut bytes = Vec::new();
    fetch(operator, entry, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })
    .await?;
    Ok(bytes)
}

/// Writes the files into a folder that is new or empty, and is made if need be.
pub(crate) async fn export(context: &Context, operator: &Operator, files: &[Entry], folder: &Path) -> Done {
    let cannot = |path: &Path, error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
    // The daemon has checked the paths; nothing is written outside the folder whatever it says.
    files.iter().try_for_each(|entry| check_path(&entry.path))?;
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    if fs::read_dir(folder).map_err(|error| cannot(folder, error))?.next().is_some() {
        let error = Error::conflict(format!("{} is not empty; nothing was written", folder.display()));
        return Err(error.hint("name an empty folder, or one that does not exist yet").into());
    }
    let progress = Progress::start(&context.terminal, "files are written");
    for entry in files {
        progress.say(&entry.path);
        let path = folder.join(&entry.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| cannot(parent, error))?;
        }
        let mode = if entry.executable { 0o755 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let mut file = file.map_err(|error| cannot(&path, error))?;
        let fetched = fetch(operator, entry, |piece| file.write_all(piece)).await;
        if fetched.is_err() {
            // What is not what it should be does not stay.
            drop(fs::remove_file(&path));
        }
        fetched?;
    }
    Ok(())
}

async fn fetch(operator: &Operator, entry: &Entry, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> Done {
    let mut digest = Sha256::new();
    operator
        .artifact(&entry.sha256, |piece| {
            digest.update(piece);
            each(piece)
        })
        .await?;
    if hex::encode(digest.finalize()) == entry.sha256 {
        return Ok(());
    }
    let message = format!("{:?} is not what was snapshot: its bytes have another hash", entry.path);
    Err(Failure::failed_with(message, "do not approve it; the artifact store is damaged"))
}
