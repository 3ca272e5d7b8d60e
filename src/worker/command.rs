//! Starting a program: in the sandbox, or as it is where the settings switched the sandbox off. Nothing of the worker's own environment
//! is inherited.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::process::Stdio;

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::process::{Child, Command};

use super::Worker;
use super::places::Places;
use super::workspace::Workspace;
use crate::domain::error::Error;
use crate::failpoint;
use crate::sandbox::{Profile, Sandbox, environment};

/// A program to start.
pub(super) struct Program {
    pub profile: Profile,
    /// The program first.
    pub argv: Vec<String>,
    /// On top of the sandbox's own.
    pub env: BTreeMap<String, String>,
    /// Its standard input, output and error.
    pub stdio: [Stdio; 3],
    /// Where the tree's git directory is.
    pub git_dir: Option<std::path::PathBuf>,
}

/// Starts it, when what ran here before is gone. The lock goes to the sandbox's outermost process and is held as long as anything inside
/// lives; this worker keeps no copy.
pub(super) async fn spawn(worker: &Worker, workspace: &Workspace, program: Program) -> Result<Child, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::unavailable(format!("{} cannot be started: {error}", program.argv[0]));
    let lock = workspace.lock().await?;
    let mut command = if worker.welcome.sandbox.enabled {
        let sandbox = Sandbox {
            lock_fd: Some(lock.as_raw_fd()),
            git_dir: program.git_dir.clone(),
            ..workspace.sandbox(worker, program.profile)?
        };
        let argv = sandbox.argv(&program.argv).map_err(|error| failed(&error))?;
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).env_clear().envs(environment(program.profile));
        command
    } else {
        bare(worker, workspace, &program)
    };
    let [stdin, stdout, stderr] = program.stdio;
    command.envs(&program.env).stdin(stdin).stdout(stdout).stderr(stderr).kill_on_drop(true);
    // Only from here to the end of this function: nothing else is started in between.
    fcntl_setfd(&lock, FdFlags::empty()).map_err(|error| failed(&error))?;
    let child = command.spawn().map_err(|error| failed(&error))?;
    failpoint::reach("worker.spawned");
    Ok(child)
}

/// Without the sandbox, because the settings say so: the same program on the machine itself.
fn bare(worker: &Worker, workspace: &Workspace, program: &Program) -> Command {
    let places = Places::of(worker, workspace);
    let mut command = Command::new(places.text(&program.argv[0]));
    command.args(program.argv[1..].iter().map(|argument| places.text(argument))).env_clear();
    command.envs(environment(program.profile).into_iter().map(|(name, value)| (name, places.text(&value))));
    if let Some(git) = &program.git_dir {
        command.env("GIT_DIR", git);
    }
    command.current_dir(&workspace.tree);
    command
}
