//! Ending what a home runs without asking its daemon: it is gone, it does not answer, or it could not do it.
//!
//! Nothing here needs the database or a disk with room. Which processes are meant is seen in tmux and among all processes, whichever of
//! the two answers.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::fs::{FlockOperation, flock};

use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::cli::variables;
use crate::config::{Home, TmuxServer, load};
use crate::runner::{self, ObservedSession, ProcessIdentity, Runner, State, TmuxRunner};

/// How long workers may take to end their CLIs in order before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// What was ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// The sessions, or the workers' processes where tmux named none.
    pub sessions: Vec<String>,
    /// What could not be ended, or not be looked at; empty when everything is proven gone.
    pub survivors: Vec<String>,
}

/// Ends the daemon where one holds the home's lock, and at once: one that does not answer cannot be asked. Answers with its process.
///
/// # Errors
/// It cannot be found, or does not go.
pub(super) async fn end_daemon(home: &Home) -> Done<Option<i32>> {
    let path = home.daemon_lock();
    let failed = |error: io::Error| Failure::failed(format!("the daemon cannot be ended: {error}"));
    let lock = match fs::File::options().append(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    let mut ended = None;
    for process in runner::holders(&path).map_err(failed)? {
        runner::kill(process).await.map_err(failed)?;
        ended = Some(process.pid);
    }
    Ok(ended)
}

/// Ends every worker of the home with all that it runs, and answers when all of it is proven gone or did not go.
pub(super) async fn end_agents(context: &Context, home: &Home) -> Ended {
    let mut ended = Ended::default();
    let tmux = tmux(context, home);
    let sessions = match &tmux {
        Ok(tmux) => tmux.list().await.map_err(|error| error.to_string()),
        Err(why) => Err(why.clone()),
    };
    let sessions = sessions.unwrap_or_else(|why| {
        context.terminal.note(format!("its sessions cannot be listed ({why}); its processes are ended all the same"));
        Vec::new()
    });
    let workers = workers(home, &sessions, &mut ended.survivors);
    ended.sessions = match sessions.as_slice() {
        [] => workers.iter().map(|worker| format!("worker process {}", worker.pid)).collect(),
        sessions => sessions.iter().map(|session| session.name.clone()).collect(),
    };
    for (process, outcome) in join_all(workers.into_iter().map(async |it| (it, runner::end(it, GRACE).await))).await {
        match outcome {
            Ok(outcome) => ended.survivors.extend(outcome.survivors.iter().map(|left| format!("process {}", left.pid))),
            Err(error) => ended.survivors.push(format!("process {}: {error}", process.pid)),
        }
    }
    if let Ok(tmux) = &tmux {
        for session in &sessions {
            if let Err(error) = tmux.stop(&session.pane, running(session), Duration::ZERO).await {
                ended.survivors.push(format!("session {}: {error}", session.name));
            }
        }
    }
    sandboxes(home, &mut ended.survivors).await;
    // One that was being started while the others were ended.
    workers_left(home, &mut ended.survivors);
    ended
}

/// Leaves word for the next daemon, which writes it down before it starts anything.
///
/// # Errors
/// Nothing can be written there.
pub(super) fn leave_word(home: &Home, why: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    let mut mark = options.create(true).write(true).truncate(true).mode(0o600).open(home.halt_mark())?;
    // That the file is there is what counts; a full disk may have no room for the reason.
    drop(io::Write::write_all(&mut mark, why.as_bytes()));
    Ok(())
}

/// Whether anything of this home runs.
pub(super) async fn anything_runs(context: &Context, home: &Home) -> bool {
    let sessions = match tmux(context, home) {
        Ok(tmux) => tmux.list().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let mut unknown = Vec::new();
    !workers(home, &sessions, &mut unknown).is_empty() || !unknown.is_empty()
}

fn tmux(context: &Context, home: &Home) -> Result<TmuxRunner, String> {
    let loaded = load(home).map_err(|_| "the configuration cannot be read".to_owned())?;
    let tmux = loaded.config.settings.tmux;
    let server = match tmux.server {
        TmuxServer::Default => runner::TmuxServer::Default,
        TmuxServer::Own => runner::TmuxServer::Named(tmux.socket_name(home)),
    };
    let variables = variables::as_text(variables::plain(&context.environment));
    TmuxRunner::new(server, &home.id(), variables).map_err(|error| error.to_string())
}

fn running(session: &ObservedSession) -> Option<ProcessIdentity> {
    match session.state {
        State::Running(process) => Some(process),
        State::Exited { .. } | State::Gone => None,
    }
}

/// The processes in the sessions, and whatever else calls itself a worker of this home.
fn workers(home: &Home, sessions: &[ObservedSession], unknown: &mut Vec<String>) -> BTreeSet<ProcessIdentity> {
    let called = called(home).unwrap_or_else(|error| {
        unknown.push(format!("not known what is left: {error}"));
        Vec::new()
    });
    sessions.iter().filter_map(running).chain(called).filter(|process| runner::is_alive(*process)).collect()
}

fn workers_left(home: &Home, survivors: &mut Vec<String>) {
    let left = called(home).unwrap_or_default();
    for process in left.into_iter().filter(|process| runner::is_alive(*process)) {
        let said = format!("process {}", process.pid);
        if !survivors.contains(&said) {
            survivors.push(said);
        }
    }
}

fn called(home: &Home) -> io::Result<Vec<ProcessIdentity>> {
    runner::called(&["worker", "--home", &home.root().display().to_string()])
}

/// Waits until nothing lives in any sandbox of this home.
async fn sandboxes(home: &Home, survivors: &mut Vec<String>) {
    let locks: Vec<PathBuf> =
        fs::read_dir(home.sandboxes_dir()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    for lock in locks {
        if let Err(error) = runner::sandbox_gone(&lock).await {
            survivors.push(format!("a sandbox: {error}"));
        }
    }
}
