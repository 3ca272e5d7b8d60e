//! Ending a process and all that it started: ask, wait, force, confirm. Which processes those are is decided in `tree`.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::{Instant, timeout_at};

use super::ProcessIdentity;
use super::exit::Handle;
use super::process::Stat;
use super::tree::offspring;

/// How long a process may take to vanish after SIGKILL before it counts as a survivor.
const AFTER_KILL: Duration = Duration::from_secs(2);
/// How often newly found processes are killed; more than once only for what forks while it dies.
const ROUNDS: usize = 8;

/// What it took to end a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Those that ended only by SIGKILL.
    pub killed: Vec<ProcessIdentity>,
    /// Those that run even so.
    pub survivors: Vec<ProcessIdentity>,
}

/// Ends a process and all that stems from it.
///
/// First SIGTERM goes to the process and to the process group that it leads, so that a worker can end its own children in order.
/// Once it is gone, SIGTERM goes to what it left behind. After `grace`, counted from the beginning, SIGKILL goes to all that is
/// left, until nothing new is found. Each signal goes through a pidfd of the process meant. A process that is gone already is no
/// error, and what it left behind is ended all the same. Refuses to end the caller.
pub async fn end(process: ProcessIdentity, grace: Duration) -> io::Result<Ended> {
    let deadline = Instant::now() + grace;
    let mut tree = Tree { known: BTreeSet::from([process]), handles: Vec::new(), groups: Vec::new() };
    tree.handles.extend(Handle::open(process)?);
    tree.grow().await?;

    let leads = tree.group_of(process.pid) == Some(process.pid);
    for handle in &tree.handles {
        let pid = handle.process.pid;
        if pid == process.pid || (leads && tree.group_of(pid) == Some(process.pid)) {
            handle.ask_to_end();
        }
    }
    if let Some(root) = tree.handles.iter().find(|handle| handle.process == process) {
        // Being too late is the normal way on to the next step.
        drop(timeout_at(deadline, root.exited()).await);
    }
    if Instant::now() < deadline {
        tree.grow().await?;
        tree.living().for_each(Handle::ask_to_end);
        tree.exited(deadline).await;
    }

    let mut killed = BTreeSet::new();
    for _ in 0..ROUNDS {
        tree.grow().await?;
        if tree.living().next().is_none() {
            break;
        }
        for handle in tree.living() {
            // Who cannot be signalled is reported as a survivor.
            drop(handle.signal(Signal::KILL));
            killed.insert(handle.process);
        }
        tree.exited(Instant::now() + AFTER_KILL).await;
    }
    let survivors: Vec<_> = tree.living().map(|handle| handle.process).collect();
    killed.retain(|one| !survivors.contains(one));
    Ok(Ended { killed: killed.into_iter().collect(), survivors })
}

/// Ends one process at once, and nothing that it started.
///
/// # Errors
/// It is somebody else's, or it does not go.
pub async fn kill(process: ProcessIdentity) -> io::Result<()> {
    let Some(handle) = Handle::open(process)? else { return Ok(()) };
    handle.signal(Signal::KILL)?;
    timeout_at(Instant::now() + AFTER_KILL, handle.exited()).await.map_err(io::Error::from)?
}

impl Handle {
    /// SIGTERM, and SIGCONT so that a stopped process can act on it. Who cannot be signalled is dealt with later.
    fn ask_to_end(&self) {
        drop(self.signal(Signal::TERM).and_then(|()| self.signal(Signal::CONT)));
    }
}

/// The processes found so far, dead ones included.
struct Tree {
    known: BTreeSet<ProcessIdentity>,
    handles: Vec<Handle>,
    /// The process group of each, as last seen.
    groups: Vec<(i32, i32)>,
}

impl Tree {
    /// Takes hold of what has been started since.
    async fn grow(&mut self) -> io::Result<()> {
        let known = self.known.clone();
        let look = move || -> io::Result<_> {
            let all = Stat::read_all()?;
            Ok((offspring(&known, &all), all))
        };
        let (found, all) = tokio::task::spawn_blocking(look).await.map_err(io::Error::other)??;
        let own = std::process::id();
        if self.known.iter().chain(&found).any(|one| u32::try_from(one.pid) == Ok(own)) {
            return Err(io::Error::other("refused to end a process that this one stems from"));
        }
        for one in found {
            self.handles.extend(Handle::open(one)?);
            self.known.insert(one);
        }
        self.groups = all.iter().map(|stat| (stat.identity.pid, stat.group)).collect();
        Ok(())
    }

    fn group_of(&self, pid: i32) -> Option<i32> {
        self.groups.iter().find(|(one, _)| *one == pid).map(|(_, group)| *group)
    }

    fn living(&self) -> impl Iterator<Item = &Handle> {
        self.handles.iter().filter(|handle| handle.is_alive())
    }

    /// Returns when all have exited, or at the deadline.
    async fn exited(&self, deadline: Instant) {
        drop(timeout_at(deadline, join_all(self.handles.iter().map(Handle::exited))).await);
    }
}
