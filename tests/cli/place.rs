//! A folder with a home or without one, and the programs run in it with nothing of whoever runs the tests.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::output::SWARM;

/// A folder of a test's own.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub home: PathBuf,
}

impl Place {
    /// A folder without a home.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        Self { dir, home }
    }

    /// A folder with a rehearsal home.
    pub fn home() -> Self {
        let place = Self::empty();
        let output = place.run(SWARM, &["init", place.home.to_str().unwrap(), "--rehearsal"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        place
    }

    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program, args).output().unwrap()
    }

    /// Runs `claude-swarm` on the home.
    pub fn at_home(&self, args: &[&str]) -> Output {
        self.command(SWARM, args).env("CLAUDE_SWARM_HOME", &self.home).output().unwrap()
    }
}
