//! The provider CLIs: how each is started, what is written to it, and what its output says. Pure: values in, values out.
//!
//! Here: command lines, stream parsing, failure classes. Not here: starting a process, reading a clock, touching a file (`worker`).
//! Facts are what the CLI printed, and the CLI runs in a sandbox that its model shares: they are claims, not evidence.

pub mod claude;
mod fact;
mod launch;

use std::path::{Path, PathBuf};

use uuid::Uuid;

pub use fact::{Answer, Fact, Failure, LimitStatus, Outcome, Usage};
pub use launch::{CommandLine, Conversation, Launch, LaunchError};

use crate::domain::failure::FailureClass;

/// A line of the CLI's output that is longer than this, in bytes, is not read as JSON but becomes [`Fact::Garbage`]. The worker reads no
/// more than this of one line into memory.
pub const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// One provider's CLI, as the worker sees it.
pub trait Provider: Send + Sync {
    /// What to start, and with which environment (to be added to the sandbox's own).
    ///
    /// # Errors
    /// When the launch cannot be expressed as a command line; the message names the field.
    fn command(&self, launch: &Launch) -> Result<CommandLine, LaunchError>;

    /// The line that hands the CLI a message while it runs, with its newline. The id comes back in [`Fact::Delivered`].
    fn user_message(&self, id: Uuid, text: &str) -> String;

    /// A parser for one process of the CLI.
    fn parser(&self) -> Box<dyn Parser>;

    /// Why a process ended that printed no result.
    fn classify_exit(&self, ending: &Ending<'_>) -> FailureClass;

    /// Where the CLI keeps a conversation, given its home and its working directory (both as the CLI sees them).
    fn conversation_file(&self, home: &Path, cwd: &Path, conversation: Uuid) -> PathBuf;

    /// Whether a line of that file is the message that was handed over under this id.
    fn is_message(&self, line: &[u8], id: Uuid) -> bool;
}

/// Turns the lines of one process into facts.
pub trait Parser: Send {
    /// Reads one line, without or with its newline. Never fails: what is not understood is a fact too.
    fn feed(&mut self, line: &[u8]) -> Vec<Fact>;

    /// The tokens that this process has used so far, as far as it said.
    fn usage(&self) -> Usage;
}

/// How a process ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending<'a> {
    /// The exit code, if it exited.
    pub exit: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// The last part of what it wrote to standard error.
    pub stderr_tail: &'a str,
}

/// The provider of this name, if there is one.
pub fn named(name: &str) -> Option<&'static dyn Provider> {
    match name {
        "claude" => Some(&claude::Claude),
        _ => None,
    }
}
