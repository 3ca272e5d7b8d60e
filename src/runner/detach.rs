//! Starting a process that goes on without us (the daemon), and becoming another one (`tmux attach`).
//!
//! Not here: the new session of the daemon (it calls `setsid` itself), sessions of agents.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What to start.
#[derive(Debug)]
pub struct Detach<'a> {
    /// The program's file.
    pub program: &'a Path,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment; may hold secrets, which no argument may.
    pub environment: Vec<(&'static str, OsString)>,
    /// Where it starts.
    pub folder: &'a Path,
    /// What its outputs are appended to; made with mode 0600 if it is not there.
    pub log: &'a Path,
}

/// A process that goes on when this one ends.
#[derive(Debug)]
pub struct Detached(Child);

impl Detach<'_> {
    /// Starts it, with no input.
    ///
    /// # Errors
    /// The log cannot be opened, or the program cannot be started.
    pub fn start(self) -> io::Result<Detached> {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(self.log)?;
        let mut command = Command::new(self.program);
        command.args(self.args).env_clear().envs(self.environment).current_dir(self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().map(Detached)
    }
}

impl Detached {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, in words, if it has.
    ///
    /// # Errors
    /// The system's.
    pub fn ended(&mut self) -> io::Result<Option<String>> {
        Ok(self.0.try_wait()?.map(|status| match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        }))
    }
}

/// Becomes another program, found on the PATH, with this process's environment and terminal.
///
/// # Errors
/// Why it cannot be started; otherwise this never returns.
pub fn become_program(program: &str, args: &[String]) -> io::Result<Infallible> {
    Err(Command::new(program).args(args).exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_outputs_are_appended_and_its_environment_is_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("daemon.log");
        std::fs::write(&log, "before\n").unwrap();
        let args = ["-c", "cat; echo $WORD $CARGO; pwd >&2; exit 7"].map(OsString::from).to_vec();
        let environment = vec![("WORD", OsString::from("hello"))];
        let folder = folder.path().canonicalize().unwrap();
        let detach = Detach { program: Path::new("/bin/sh"), args, environment, folder: &folder, log: &log };
        let mut detached = detach.start().unwrap();
        detached.0.wait().unwrap();
        assert_eq!(detached.ended().unwrap().as_deref(), Some("exit code 7"));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), format!("before\nhello\n{}\n", folder.display()));
    }
}
