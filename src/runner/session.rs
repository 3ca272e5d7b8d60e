//! The shapes that cross the seam: what to start and what was observed. No I/O.

use std::fmt;
use std::path::PathBuf;

use super::{ProcessIdentity, RunnerError};

/// The runner's own stable name of the place where a session's process runs (tmux: a pane id such as `%7`). Opaque to others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaneId(pub String);

impl fmt::Display for PaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What marks a session as one of a home's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    /// The session's id in the store.
    pub session: i64,
    /// The agent's name: 1 to 64 of `A-Z a-z 0-9 - _`.
    pub agent: String,
}

/// The size of a pane that nobody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// A session to be started.
#[derive(Debug, Clone)]
pub struct StartSession {
    /// The session's name as a person types it, such as `claude-hunter`: 1 to 64 of `A-Z a-z 0-9 - _`.
    pub name: String,
    /// The program and its arguments, passed on verbatim; no shell reads them. The program must hold no `=`.
    pub argv: Vec<String>,
    /// An existing directory, absolute.
    pub cwd: PathBuf,
    /// The whole environment of the process; nothing else is inherited, except that `TERM` has a default. No secrets: on the way
    /// these are arguments, which every user of the machine can read, and a tmux server keeps those of the session that it was started
    /// for in its own command line.
    pub env: Vec<(String, String)>,
    /// What marks the session.
    pub labels: Labels,
    /// Lines of scrollback.
    pub history_limit: u32,
    /// The size until somebody attaches.
    pub size: Size,
    /// Shown at the left of the session's status line, literally: the agent's name, and REHEARSAL in a rehearsal.
    pub status_left: String,
}

impl StartSession {
    /// Refuses what would not arrive as it was meant.
    pub(super) fn check(&self) -> Result<(), RunnerError> {
        plain_name("name", &self.name)?;
        plain_name("labels.agent", &self.labels.agent)?;
        let Some(program) = self.argv.first().filter(|program| !program.is_empty()) else {
            return Err(invalid("argv", "", "give at least the program"));
        };
        if program.contains('=') || program.starts_with('-') {
            return Err(invalid("argv", program, "a program's path must hold no `=` and not begin with `-`"));
        }
        if let Some(argument) = self.argv.iter().find(|argument| argument.contains('\0')) {
            return Err(invalid("argv", argument, "an argument cannot hold a NUL"));
        }
        for (key, value) in &self.env {
            let letters = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !letters || key.is_empty() || key.as_bytes()[0].is_ascii_digit() {
                return Err(invalid("env", key, "a variable's name is made of letters, digits and `_`"));
            }
            if value.contains('\0') {
                return Err(invalid("env", key, "a variable's value cannot hold a NUL"));
            }
        }
        // tmux would silently start in another directory.
        if !self.cwd.is_absolute() || !self.cwd.is_dir() {
            return Err(invalid("cwd", &self.cwd.display().to_string(), "give the absolute path of an existing directory"));
        }
        if self.cwd.to_str().is_none() {
            return Err(invalid("cwd", &self.cwd.display().to_string(), "the path must be UTF-8"));
        }
        if self.size.columns == 0 || self.size.rows == 0 {
            return Err(invalid("size", "0", "a pane has at least one column and one row"));
        }
        Ok(())
    }
}

/// Refuses names that tmux would rewrite or that would mean something in one of its formats.
pub(super) fn plain_name(field: &'static str, value: &str) -> Result<(), RunnerError> {
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && !value.is_empty() && value.len() <= 64 && !value.starts_with('-') {
        return Ok(());
    }
    Err(invalid(field, value, "use 1 to 64 of A-Z a-z 0-9 - _, not beginning with -"))
}

fn invalid(field: &'static str, value: &str, hint: &'static str) -> RunnerError {
    RunnerError::Invalid { field, value: value.to_owned(), hint }
}

/// What a start or a respawn brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where it runs.
    pub pane: PaneId,
    /// The process that runs there.
    pub process: ProcessIdentity,
}

/// A session of this home, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedSession {
    /// Where it runs.
    pub pane: PaneId,
    /// The session's present name; a person may have renamed it, so nothing is decided by it.
    pub name: String,
    /// Its marks.
    pub labels: Labels,
    /// Whether its process runs.
    pub state: State,
    /// How many people look at it.
    pub attached: u32,
}

/// Whether a session's process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running(ProcessIdentity),
    /// It has ended; the pane remains.
    Exited(Exit),
    /// It has ended, and how is not known: not yet, or never (tmux before 3.3 does not tell of signals).
    Gone,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// The signal of this number ended it.
    Signal(i32),
}
