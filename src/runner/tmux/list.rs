//! What lives on the server and is this home's, and what its panes show.

use std::collections::BTreeMap;

use tmux_interface::{CapturePane, ListPanes, RunShell, TmuxCommand};
use tracing::warn;

use super::super::process::Stat;
use super::super::{Exit, Labels, ObservedSession, PaneId, ProcessIdentity, RunnerError, State, exit};
use super::server::nothing_runs;
use super::{TmuxRunner, marks};

/// A visible character, because tmux replaces control characters in what it prints. The only field that a person writes, the
/// session's name, comes last.
const SEPARATOR: char = '|';
const FIELDS: usize = 11;

/// One of this home's panes.
#[derive(Debug)]
pub(super) struct Row {
    pub observed: ObservedSession,
    /// The process that runs or ran there, by number only.
    pub pid: i32,
    /// Whether the pane still is in the session that was made for it.
    in_own_session: bool,
}

impl TmuxRunner {
    /// This home's panes, each once.
    ///
    /// tmux can miss the end of a process: where it keeps the login records (utempter), it ignores SIGCHLD for a moment just when a
    /// terminal closes. It then reaps the process, and learns how it ended, no sooner than its next child ends. So it is given one,
    /// and the list is made again once that has been noticed.
    pub(super) async fn rows(&self) -> Result<Vec<Row>, RunnerError> {
        let rows = self.look([]).await?;
        if rows.iter().all(|row| row.observed.state != State::Gone) {
            return Ok(rows);
        }
        self.look([RunShell::new().shell_command("true").build()]).await
    }

    /// Lists after other commands, in the same message.
    async fn look<const N: usize>(&self, before: [TmuxCommand<'_>; N]) -> Result<Vec<Row>, RunnerError> {
        let mark = |option: &str| format!("#{{{option}}}");
        let format: [String; FIELDS] = [
            "#{pid}".into(),
            "#{pane_id}".into(),
            "#{pane_pid}".into(),
            "#{pane_dead_status}".into(),
            "#{pane_dead_signal}".into(),
            "#{session_attached}".into(),
            mark(marks::HOME),
            mark(marks::SESSION),
            mark(marks::AGENT),
            mark(marks::OWNER),
            "#{session_name}".into(),
        ];
        let format = format.join(&SEPARATOR.to_string());
        let list = ListPanes::new().all().format(format).build();
        let printed = match self.server.run(before.into_iter().chain([list])).await {
            Err(error) if nothing_runs(&error) => return Ok(Vec::new()),
            printed => printed?,
        };
        // A pane is listed once for every session that shows its window: those that a person linked or grouped with it, too.
        let mut panes: BTreeMap<PaneId, Row> = BTreeMap::new();
        for line in printed.lines() {
            let fields: Vec<&str> = line.splitn(FIELDS, SEPARATOR).collect();
            if fields.get(6) != Some(&self.home.as_str()) || fields.get(7) == Some(&"") {
                continue;
            }
            let Some(row) = self.row(&fields) else {
                warn!(line, "a pane that bears this home's mark cannot be read and is left alone");
                continue;
            };
            let pane = row.observed.pane.clone();
            if row.in_own_session || !panes.contains_key(&pane) {
                panes.insert(pane, row);
            }
        }
        Ok(panes.into_values().collect())
    }

    /// This home's pane of that id.
    pub(super) async fn row_of(&self, pane: &PaneId) -> Result<Option<Row>, RunnerError> {
        Ok(self.rows().await?.into_iter().find(|row| row.observed.pane == *pane))
    }

    fn row(&self, fields: &[&str]) -> Option<Row> {
        let [server, pane, pid, code, signal, attached, _, session, agent, owner, name] = *fields else { return None };
        let (server, pid) = (server.parse().ok()?, pid.parse().ok()?);
        // The process decides. To tmux a pane is dead once its terminal is closed, and a process can do that and go on.
        let state = match running(server, pid) {
            Some(process) => State::Running(process),
            None => match (code.parse(), signal.parse()) {
                (Ok(code), _) => State::Exited(Exit::Code(code)),
                (_, Ok(signal)) => State::Exited(Exit::Signal(signal)),
                _ => State::Gone,
            },
        };
        let observed = ObservedSession {
            pane: PaneId(pane.to_owned()),
            name: name.to_owned(),
            labels: Labels { session: session.parse().ok()?, agent: agent.to_owned() },
            state,
            attached: attached.parse().ok()?,
        };
        Some(Row { observed, pid, in_own_session: owner == self.home })
    }

    pub(super) async fn capture_pane(&self, pane: &PaneId, with_colours: bool) -> Result<String, RunnerError> {
        // One line of scrollback comes along: tmux pushes a line out of view when it writes that a pane is dead, and in a short life
        // that line is the only one.
        let mut capture = CapturePane::new().stdout().target_pane(&pane.0).start_line("-1");
        if with_colours {
            capture = capture.escape_sequences();
        }
        match self.guarded(pane, None, [capture.build()]).await {
            Err(error) if nothing_runs(&error) => Err(RunnerError::NotFound(pane.clone())),
            Err(RunnerError::Changed(pane)) => Err(RunnerError::NotFound(pane)),
            captured => captured,
        }
    }
}

/// The live process of a pane. A number alone proves nothing once the process has ended; being the server's child does.
pub(super) fn running(server: i32, pid: i32) -> Option<ProcessIdentity> {
    let stat = Stat::read(pid).filter(|stat| stat.parent == server)?;
    exit::is_alive(stat.identity).then_some(stat.identity)
}
