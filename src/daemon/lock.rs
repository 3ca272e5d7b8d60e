//! One daemon a home: a lock that the kernel gives back when the daemon dies, however it dies.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use rustix::fs::{FlockOperation, flock};

use crate::config::Home;
use crate::domain::error::Error;

/// A home that no other daemon can use while this is held.
#[derive(Debug)]
pub struct Locked {
    _file: File,
}

/// Takes the home's lock and writes down which process has it.
///
/// # Errors
/// `Conflict` where another daemon has it.
pub(super) fn take(home: &Home) -> Result<Locked, Error> {
    let path = home.daemon_lock();
    let failed = |error: &dyn std::fmt::Display| Error::unavailable(format!("{}: {error}", path.display()));
    let lock = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| failed(&error))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let pid = fs::read_to_string(home.daemon_pid()).unwrap_or_default();
        let pid = crate::domain::text::one_line(&pid, 20);
        return Err(Error::conflict(format!("a daemon runs on {} already (process {pid})", home.root().display()))
            .hint("use that one, or end it with `claude-swarm stop`"));
    }
    let mut pid = File::create(home.daemon_pid()).map_err(|error| failed(&error))?;
    writeln!(pid, "{}", std::process::id()).map_err(|error| failed(&error))?;
    Ok(Locked { _file: lock })
}

/// The daemon ends in order: nobody should look for its process.
pub(super) fn forget(home: &Home) {
    // A file that stays tells of a process that is gone, which the lock knows better.
    drop(fs::remove_file(home.daemon_pid()));
}
