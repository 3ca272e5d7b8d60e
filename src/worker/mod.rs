//! The process in an agent's session: claims a task, runs the CLI on it in a sandbox, shows and reports what it streams.
//!
//! Here: running. Not here: deciding; whether an attempt counts, what follows and what is tried again is the daemon's.
//!
//! The worker has one thread only. bubblewrap's parent-death signal is tied to the thread that started it, and this one lives as long
//! as the worker.

mod attempt;
mod beneath;
mod checks;
mod command;
mod conversation;
mod disk;
mod history;
mod keeper;
mod layout;
mod live;
mod log;
mod messages;
mod meter;
mod pane;
mod pipes;
mod places;
mod report;
mod running;
mod snapshot;
mod talk;
mod transcript;
mod turns;
mod typed;
mod workspace;

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::client::blobs::Blobs;
use crate::client::link::Link;
use crate::domain::error::{Error, Kind};
use crate::protocol::VERSION;
use crate::protocol::rpc::{Assignment, Call, Hello, Notice, Welcome};
use crate::sandbox::SystemLayout;
use pane::Pane;

/// What a worker is started with.
#[derive(Debug, Clone)]
pub struct Start {
    /// Whose worker it is.
    pub agent: String,
    /// The session it was started for.
    pub session: i64,
    /// The workers' socket.
    pub socket: PathBuf,
    /// Where bubblewrap is, if it is anywhere.
    pub bwrap: Option<PathBuf>,
    /// Whether the pane may be coloured.
    pub colours: bool,
}

/// What every part of a worker has.
struct Worker {
    link: Link,
    blobs: Blobs,
    welcome: Welcome,
    layout: SystemLayout,
    bwrap: Option<PathBuf>,
}

/// Works until the daemon has no use for it any more.
///
/// # Errors
/// The daemon's refusal, or what of the machine cannot be used.
pub async fn run(start: Start) -> Result<(), Error> {
    let hello = Hello {
        protocol: VERSION,
        agent: start.agent.clone(),
        session: start.session,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let blobs = Blobs::new(&start.socket)?;
    let (link, mut welcomes, mut notices) = Link::connect(&start.socket, hello, pane::away).await?;
    let welcome = welcomes.borrow_and_update().clone();
    let mut pane = Pane::open(&welcome, start.colours)?;
    pane.banner(&start.agent, &welcome);
    let mut typed = typed::listen(link.clone());
    let mut worker = Worker { link, blobs, layout: layout::look(), bwrap: start.bwrap, welcome };
    loop {
        pane.waiting();
        let assignment = worker.wait_for_work(&mut typed, &mut notices, &mut pane).await?;
        // The daemon that gave this out may be another than before, with other settings.
        if welcomes.has_changed().unwrap_or_default() {
            worker.welcome = welcomes.borrow_and_update().clone();
            pane.note("the settings have changed; they hold from here on");
            pane.banner(&start.agent, &worker.welcome);
        }
        attempt::run(&worker, assignment, &mut pane, &mut typed, &mut notices).await?;
    }
}

impl Worker {
    async fn wait_for_work(
        &self,
        typed: &mut mpsc::Receiver<String>,
        notices: &mut mpsc::Receiver<Notice>,
        pane: &mut Pane,
    ) -> Result<Assignment, Error> {
        let claim = self.link.call::<Assignment>(Call::Claim {});
        tokio::pin!(claim);
        loop {
            tokio::select! {
                assignment = &mut claim => return assignment,
                Some(note) = typed.recv() => pane.note(&note),
                notice = notices.recv() => {
                    if notice.is_none() {
                        return Err(Error::new(Kind::Conflict, "the daemon has no use for this worker any more"));
                    }
                    // A message waits for the next task, which brings it; a stop is about a task that is over.
                }
            }
        }
    }
}
