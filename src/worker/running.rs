//! An attempt under way: what each of its steps needs.

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Worker;
use super::meter::Meter;
use super::workspace::Workspace;
use crate::protocol::rpc::{Assignment, Call};

/// An attempt under way.
pub(super) struct Running<'a> {
    pub worker: &'a Worker,
    pub assignment: &'a Assignment,
    pub workspace: Workspace,
    pub meter: Meter,
    pub deadline: Instant,
    /// The report of progress that is under way.
    pub reporting: Option<JoinHandle<()>>,
}

impl Running<'_> {
    /// Reports what was used until now, without waiting for the answer. While the last report is still under way (the daemon is away) none is
    /// added to it: the next says it all.
    pub(super) fn report_progress(&mut self) {
        if self.reporting.as_ref().is_some_and(|reporting| !reporting.is_finished()) || !self.meter.has_news() {
            return;
        }
        let (link, progress) = (self.worker.link.clone(), self.meter.next());
        self.reporting = Some(tokio::spawn(async move {
            if let Err(error) = link.call::<()>(Call::Progress(progress)).await {
                tracing::debug!(%error, "progress was not taken");
            }
        }));
    }
}
