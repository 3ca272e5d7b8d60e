//! Starting a session's process, in a pane of its own or again in the same pane.

use std::borrow::Cow;

use tmux_interface::{DisplayMessage, NewSession, NewWindow, RespawnPane, SetOption, ShowOptions, TmuxCommand};

use super::super::{Holder, PaneId, RunnerError, StartSession, Started, State};
use super::list::running;
use super::server::nothing_runs;
use super::{TmuxRunner, marks};

/// Holds a pane's place until it has its marks, and goes away by itself should the chain break there.
const PLACEHOLDER: [&str; 2] = ["sleep", "10"];
/// What the end of a chain prints. It can be told from what a person's hooks print before it.
const ANSWER: &str = "swarm-started #{pid} #{pane_id} #{pane_pid}";
/// What the process takes its terminal for, unless its environment says otherwise: in every terminfo database, and true.
const TERM: &str = "screen-256color";

/// Where the worker's window goes.
#[derive(Debug, Clone, Copy)]
enum Place {
    NewSession,
    /// The session is this home's and lives on because of a pane that a person opened in it; the worker's own is gone.
    OwnedSession,
}

impl TmuxRunner {
    pub(super) async fn start_session(&self, session: &StartSession) -> Result<Started, RunnerError> {
        session.check()?;
        match self.create(session, Place::NewSession).await {
            Err(RunnerError::Tmux { message, .. }) if message.starts_with("duplicate session: ") => {}
            started => return started,
        }
        let name = session.name.clone();
        let holder = self.owner(&name).await?;
        if holder != self.home {
            let holder = if holder.is_empty() { Holder::Person } else { Holder::OtherHome(holder) };
            return Err(RunnerError::NameTaken { name, holder });
        }
        match self.rows().await?.into_iter().find(|row| row.observed.name == name) {
            Some(row) => Err(RunnerError::AlreadyStarted { name, pane: row.observed.pane }),
            None => self.create(session, Place::OwnedSession).await,
        }
    }

    /// The order of the chain matters. Scrollback is allotted when a pane is made, so the worker's pane is made after the session's
    /// own `history-limit` is set; its process begins last, when nothing about it is missing any more.
    async fn create(&self, session: &StartSession, place: Place) -> Result<Started, RunnerError> {
        let target = format!("={}:", session.name);
        let first = format!("{target}^");
        let set = |option: &'static str, value: String| SetOption::new().target_pane(&target).option(option).value(value).build();
        let status = literal(&session.status_left);

        let mut chain = Vec::new();
        let mut window = NewWindow::new().window_name("worker");
        match place {
            Place::NewSession => {
                let new = NewSession::new().detached().session_name(&session.name);
                let new = new.width(session.size.columns.into()).height(session.size.rows.into());
                chain.push(with_words(new.build(), PLACEHOLDER));
                window = window.kill().target_window(&first);
            }
            Place::OwnedSession => window = window.target_window(&target),
        }
        chain.push(set(marks::OWNER, self.home.clone()));
        // A person's configuration may end sessions that nobody looks at.
        chain.push(set("destroy-unattached", "off".into()));
        chain.push(set("history-limit", session.history_limit.to_string()));
        chain.push(set("status", "on".into()));
        chain.push(set("status-left-length", (session.status_left.chars().count() + 2).to_string()));
        chain.push(set("status-left", format!("[{status}] ")));
        chain.push(with_words(window.build(), PLACEHOLDER));
        chain.extend(marks::mark(&target, &self.home, &session.labels));
        chain.push(SetOption::new().pane().target_pane(&target).option("remain-on-exit").value("on").build());
        chain.push(run(&target, session));
        chain.push(DisplayMessage::new().print().target_pane(&target).message(ANSWER).build());
        started(&self.server.run(chain).await?)
    }

    pub(super) async fn respawn_pane(&self, pane: &PaneId, session: &StartSession) -> Result<Started, RunnerError> {
        session.check()?;
        let row = self.row_of(pane).await?.ok_or_else(|| RunnerError::NotFound(pane.clone()))?;
        if let State::Running(process) = row.observed.state {
            return Err(RunnerError::StillRunning { pane: pane.clone(), process });
        }
        if row.observed.labels.agent != session.labels.agent {
            return Err(RunnerError::Changed(pane.clone()));
        }
        let mut chain: Vec<TmuxCommand<'_>> = marks::mark(&pane.0, &self.home, &session.labels).into();
        chain.push(run(&pane.0, session));
        chain.push(DisplayMessage::new().print().target_pane(&pane.0).message(ANSWER).build());
        match self.guarded(pane, Some(row.pid), chain).await {
            Err(error) if nothing_runs(&error) => Err(RunnerError::NotFound(pane.clone())),
            printed => started(&printed?),
        }
    }

    /// The id of the home whose session has exactly that name; empty for one without a mark, and for none.
    async fn owner(&self, name: &str) -> Result<String, RunnerError> {
        let show = ShowOptions::new().quiet().value().target_pane(format!("={name}:")).option(marks::OWNER).build();
        Ok(self.server.run([show]).await?.trim_end().to_owned())
    }
}

/// Runs the process in a pane that exists. `env -i` gives it exactly its own environment, not the tmux server's, which holds
/// whatever the person's shell held; and being several words, the command never goes through a shell.
fn run<'a>(target: &'a str, session: &'a StartSession) -> TmuxCommand<'a> {
    let directory = session.cwd.to_string_lossy().replace('#', "##");
    let respawn = RespawnPane::new().kill().target_pane(target).start_directory(directory).build();
    let mut respawn = with_words(respawn, ["/usr/bin/env", "-i"]);
    if !session.env.iter().any(|(key, _)| key == "TERM") {
        respawn.push_param(format!("TERM={TERM}"));
    }
    for (key, value) in &session.env {
        respawn.push_param(format!("{key}={value}"));
    }
    with_words(respawn, session.argv.iter().map(String::as_str))
}

fn with_words<'a, W: Into<Cow<'a, str>>>(mut command: TmuxCommand<'a>, words: impl IntoIterator<Item = W>) -> TmuxCommand<'a> {
    for word in words {
        command.push_param(word);
    }
    command
}

/// Text of which tmux's formats, styles and `strftime` make nothing.
fn literal(text: &str) -> String {
    text.replace('#', "##").replace('%', "%%").replace(char::is_control, " ")
}

fn started(printed: &str) -> Result<Started, RunnerError> {
    let fields: Vec<&str> = printed.lines().last().unwrap_or_default().split(' ').collect();
    if let ["swarm-started", server, pane, pid] = *fields
        && let (Ok(server), Ok(pid)) = (server.parse(), pid.parse())
    {
        let pane = PaneId(pane.to_owned());
        return match running(server, pid) {
            Some(process) => Ok(Started { pane, process }),
            None => Err(RunnerError::ExitedAtOnce(pane)),
        };
    }
    Err(RunnerError::Tmux { command: "display-message".into(), message: format!("answered {printed:?}") })
}
