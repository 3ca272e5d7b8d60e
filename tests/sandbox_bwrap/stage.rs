//! A stage for the tests: a temporary "swarm" with a tree, a home and secrets beside them, and a way to run a shell script inside.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use claude_swarm::sandbox::{ETC_FILES, Found, Profile, Sandbox, SystemLayout, environment};

/// Longer than anything here takes, so that a test that would hang fails instead.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Stage {
    pub dir: tempfile::TempDir,
    pub sandbox: Sandbox,
}

impl Stage {
    /// `<dir>/swarm` is the hidden home; tree, agent's home and git directory lie in it, and so does a secret.
    pub fn new(profile: Profile) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let swarm = root.join("swarm");
        for name in ["tree", "home", "git", "etc", "run"] {
            fs::create_dir_all(swarm.join(name)).unwrap();
        }
        fs::write(swarm.join("secret"), "the secret").unwrap();
        for (name, content) in ETC_FILES {
            fs::write(swarm.join("etc").join(name), content).unwrap();
        }
        let sandbox = Sandbox {
            profile,
            bwrap: "/usr/bin/bwrap".into(),
            layout: layout(),
            tree: swarm.join("tree"),
            home: swarm.join("home"),
            git_dir: Some(swarm.join("git")),
            programs: vec![("/usr/bin/true".into(), "probe".into())],
            socket_dir: Some(swarm.join("run")),
            etc: Some(swarm.join("etc")),
            read_only: vec![],
            hidden: vec![swarm],
            tmp_bytes: 16 << 20,
            lock_fd: None,
        };
        Self { dir, sandbox }
    }

    pub fn tree(&self) -> &Path {
        &self.sandbox.tree
    }

    /// The lock file's path; the lock is taken by [`Stage::locked`].
    pub fn lock(&self) -> PathBuf {
        self.dir.path().join("lock")
    }

    /// A command that runs the script inside with `sh -c`.
    pub fn command(&self, script: &str) -> Command {
        let argv = self.sandbox.argv(&["/bin/sh".into(), "-c".into(), script.into()]).unwrap();
        prepared(&argv, self.sandbox.profile)
    }

    /// The same with the lock taken on descriptor 9 before bubblewrap starts.
    pub fn locked(&self, script: &str) -> Command {
        let with_lock = Sandbox { lock_fd: Some(9), ..self.sandbox.clone() };
        self.holding_the_lock(&with_lock.argv(&["/bin/sh".into(), "-c".into(), script.into()]).unwrap())
    }

    /// The same as it would be without a guard: the sandbox's own bubblewrap holds the lock.
    pub fn locked_without_a_guard(&self, script: &str) -> Command {
        let guarded = self.sandbox.argv(&["/bin/sh".into(), "-c".into(), script.into()]).unwrap();
        let inside = guarded.iter().position(|argument| argument == "--").unwrap() + 1;
        let mut argv = guarded[inside..].to_vec();
        argv.splice(1..1, ["--sync-fd".to_owned(), "9".to_owned()]);
        self.holding_the_lock(&argv)
    }

    fn holding_the_lock(&self, bwrap: &[String]) -> Command {
        let mut argv: Vec<String> = ["/bin/sh", "-c", "exec 9>>\"$0\" && flock -x 9 && exec \"$@\""].map(str::to_owned).to_vec();
        argv.push(self.lock().to_str().unwrap().to_owned());
        argv.extend(bwrap.iter().cloned());
        prepared(&argv, self.sandbox.profile)
    }

    /// What the script wrote to standard output and standard error, trimmed.
    pub fn run(&self, script: &str) -> String {
        let output = self.command(&format!("exec 2>&1; {script}")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("bwrap:"), "bubblewrap did not start: {error}");
        text
    }
}

fn prepared(argv: &[String], profile: Profile) -> Command {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env_clear().envs(environment(profile)).stdin(Stdio::null()).process_group(0);
    command
}

/// The host's system, as the worker reads it.
fn layout() -> SystemLayout {
    SystemLayout::from_looking(|path| {
        let link = fs::symlink_metadata(path).ok()?.is_symlink();
        if !path.exists() {
            return None;
        }
        Some(if link { Found::Link(fs::read_link(path).unwrap()) } else { Found::Other })
    })
}

/// A running sandbox. Ended by `Drop`.
pub struct Running {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line that the script prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// All that is still printed, until everything inside has closed its standard output.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether somebody else holds the lock on this file.
pub fn held(path: &Path) -> bool {
    File::open(path).unwrap().try_lock().is_err()
}

/// Waits for the lock on this file, and says how long that took.
pub fn wait_free(path: &Path) -> Duration {
    let (send, receive) = mpsc::channel();
    let file = File::open(path).unwrap();
    let begun = Instant::now();
    std::thread::spawn(move || {
        file.lock().unwrap();
        let _ = send.send(());
    });
    receive.recv_timeout(PATIENCE).expect("the lock was never released");
    begun.elapsed()
}
