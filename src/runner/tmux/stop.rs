//! Ending a session: first its processes, then its pane.

use std::time::Duration;

use tmux_interface::KillPane;

use super::super::end::{Ended, end};
use super::super::{PaneId, ProcessIdentity, RunnerError, State};
use super::TmuxRunner;
use super::server::nothing_runs;

impl TmuxRunner {
    /// Ends the process that is known to the caller, and removes its pane unless another process runs there by now.
    ///
    /// tmux's own kill only hangs up the terminal, and what ignores that goes on. So the processes are ended first, and the pane is
    /// removed when they are proven gone; with the last pane tmux removes the window and the session. A pane that a person opened
    /// beside the worker's keeps the session.
    pub(super) async fn stop_pane(
        &self,
        pane: &PaneId,
        process: Option<ProcessIdentity>,
        grace: Duration,
    ) -> Result<(), RunnerError> {
        // First what needs no tmux: a process is ended even while the server hangs.
        if let Some(process) = process {
            end_all(process, grace).await?;
        }
        let Some(row) = self.row_of(pane).await? else { return Ok(()) };
        match (row.observed.state, process) {
            (State::Running(_), Some(_)) => return Err(RunnerError::Changed(pane.clone())),
            (State::Running(observed), None) => end_all(observed, grace).await?,
            (_, Some(known)) if known.pid == row.pid => {}
            (_, Some(_)) => return Err(RunnerError::Changed(pane.clone())),
            // When it started is not known any more, so nothing passes for the process itself, but what it left behind is found.
            (_, None) => end_all(ProcessIdentity { pid: row.pid, start_time: 0 }, grace).await?,
        }
        match self.guarded(pane, Some(row.pid), [KillPane::new().target_pane(&pane.0).build()]).await {
            Err(error) if nothing_runs(&error) => Ok(()),
            done => done.map(drop),
        }
    }
}

async fn end_all(process: ProcessIdentity, grace: Duration) -> Result<(), RunnerError> {
    let Ended { survivors, .. } = end(process, grace).await?;
    if survivors.is_empty() { Ok(()) } else { Err(RunnerError::Survivors(survivors)) }
}
