//! An attempt under way: what each of its steps needs.

use tokio::time::Instant;

use super::Worker;
use super::keeper::Keeper;
use super::meter::Meter;
use super::workspace::Workspace;
use crate::protocol::rpc::{Assignment, Call};

/// An attempt under way.
pub(super) struct Running<'a> {
    pub worker: &'a Worker,
    pub assignment: &'a Assignment,
    pub workspace: Workspace,
    pub meter: Meter,
    pub keeper: Keeper,
    pub deadline: Instant,
}

impl Running<'_> {
    /// Reports what was used until now, without waiting for the answer.
    pub(super) fn report_progress(&mut self) {
        let (link, progress) = (self.worker.link.clone(), self.meter.next());
        tokio::spawn(async move {
            if let Err(error) = link.call::<()>(Call::Progress(progress)).await {
                tracing::debug!(%error, "progress was not taken");
            }
        });
    }
}
