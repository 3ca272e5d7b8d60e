//! Locks that outlive nothing: a sandbox's outermost process holds one, and the daemon another. Only the kernel gives them back, and only
//! when the process is gone; with the sandbox's goes all that ran in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::Instant;

use super::{ProcessIdentity, end};

/// How long the kernel may take to end a sandbox whose worker died.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two looks at a lock. A sandbox is gone within a millisecond of its worker, mostly before the first.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until the sandbox behind a lock is gone. One that does not go by itself (its worker died in the very moment of starting it,
/// before bubblewrap had asked to be told) is ended.
///
/// # Errors
/// What keeps it from being proven.
pub async fn sandbox_gone(lock: &Path) -> io::Result<()> {
    if taken_in_time(lock).await? {
        return Ok(());
    }
    for holder in holders(lock)? {
        tracing::warn!(pid = holder.pid, "ending a sandbox that outlived its worker");
        end(holder, Duration::ZERO).await?;
    }
    if taken_in_time(lock).await? { Ok(()) } else { Err(io::Error::other(format!("{} is still held", lock.display()))) }
}

async fn taken_in_time(lock: &Path) -> io::Result<bool> {
    let file = match File::options().append(true).open(lock) {
        // No sandbox was ever started under this claim.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        opened => opened?,
    };
    // The kernel tells nobody when a lock is free but who waits for it, and who waits cannot be called off: so look, closely.
    let until = Instant::now() + PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => tokio::time::sleep(LOOK).await,
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The processes that have the lock's file open, but this one.
///
/// # Errors
/// The file or /proc cannot be read.
pub fn holders(lock: &Path) -> io::Result<Vec<ProcessIdentity>> {
    let lock = fs::canonicalize(lock)?;
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if u32::try_from(pid).is_ok_and(|pid| pid == own) {
            continue;
        }
        // A process that ends while it is looked at, or is somebody else's, is none of ours.
        let open: Vec<PathBuf> = fs::read_dir(entry.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|fd| fs::read_link(fd.path()).ok())
            .collect();
        if open.contains(&lock) {
            found.extend(ProcessIdentity::of(pid));
        }
    }
    Ok(found)
}
