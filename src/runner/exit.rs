//! Whether and when a process ends, seen through a pidfd: no polling, and no confusion with a later process of the same number.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::ProcessIdentity;
use super::process::Stat;

/// Whether that very process runs. A zombie does not.
///
/// Answers true when the kernel cannot say (no file descriptor left): what may be alive must not be replaced.
pub fn is_alive(process: ProcessIdentity) -> bool {
    match open(process) {
        Ok(Some(fd)) => !has_exited(&fd).unwrap_or(false),
        Ok(None) => false,
        Err(_) => true,
    }
}

/// Resolves when that very process has exited, at once if it has already. Exit means that all its threads are gone; that its
/// parent has noticed is not waited for. Must be polled on a tokio runtime with I/O.
pub async fn wait_exit(process: ProcessIdentity) -> io::Result<()> {
    match Handle::open(process)? {
        Some(handle) => handle.exited().await,
        None => Ok(()),
    }
}

/// A hold on one process: signals through it reach that process or nobody.
#[derive(Debug)]
pub(super) struct Handle {
    fd: AsyncFd<OwnedFd>,
    pub process: ProcessIdentity,
}

impl Handle {
    /// None when the process is gone.
    pub fn open(process: ProcessIdentity) -> io::Result<Option<Self>> {
        let Some(fd) = open(process)? else { return Ok(None) };
        #[expect(
            deprecated,
            reason = "its successor is an unsafe function, which asks that the descriptor never change; an OwnedFd's does not"
        )]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Some(Self { fd, process }))
    }

    pub async fn exited(&self) -> io::Result<()> {
        self.fd.readable().await.map(|_| ())
    }

    pub fn is_alive(&self) -> bool {
        !has_exited(self.fd.get_ref()).unwrap_or(false)
    }

    /// Sends a signal; that nobody is left to receive it is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.fd.get_ref(), signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The number is looked up first and the identity checked afterwards: from then on the descriptor means that process for good.
fn open(process: ProcessIdentity) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = Pid::from_raw(process.pid) else { return Ok(None) };
    let fd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = Stat::read(process.pid).is_some_and(|stat| stat.identity == process);
    Ok(same.then_some(fd))
}

/// A pidfd becomes readable when its process is a zombie or gone.
fn has_exited(fd: &OwnedFd) -> rustix::io::Result<bool> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}
