//! The stage: a tmux server of a test's own, what a person does with it, and what the tests need to see of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use claude_swarm::runner::{
    Labels, ObservedSession, PaneId, ProcessIdentity, Runner, Size, StartSession, Started, TmuxRunner, TmuxServer, wait_exit,
};
use tempfile::TempDir;
use tokio::time::timeout;

pub const HOME: &str = "home-1";
pub const GRACE: Duration = Duration::from_millis(300);

/// A tmux server of a test's own, with a directory for what its processes write.
pub struct Bench {
    pub server: TmuxServer,
    pub directory: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let socket = format!("swarm-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { server: TmuxServer::Named(socket), directory: tempfile::tempdir().unwrap() }
    }

    /// A server of a test's own, and a runner of it.
    pub fn with_runner() -> (Self, TmuxRunner) {
        let bench = Self::new();
        let runner = bench.runner();
        (bench, runner)
    }

    /// The default server of a person who has this configuration; it lives in the test's directory like all the others.
    pub fn of_a_person(configuration: &str) -> Self {
        let bench = Self { server: TmuxServer::Default, directory: tempfile::tempdir().unwrap() };
        std::fs::write(bench.file(".tmux.conf"), configuration).unwrap();
        bench
    }

    pub fn runner(&self) -> TmuxRunner {
        self.runner_of(HOME)
    }

    pub fn runner_of(&self, home: &str) -> TmuxRunner {
        let mut environment = self.environment();
        environment.push(("SWARM_CANARY".into(), "secret".into()));
        TmuxRunner::new(self.server.clone(), home, environment).unwrap()
    }

    pub fn environment(&self) -> Vec<(String, String)> {
        let directory = self.directory.path().to_str().unwrap();
        let pairs =
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", directory), ("LANG", "C.UTF-8"), ("TMUX_TMPDIR", directory)];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// What a person does: tmux itself.
    pub fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A person's own session `mine`, in which nothing happens.
    pub fn start_mine(&self) {
        self.tmux(&["new-session", "-d", "-s", "mine", "sleep", "1000"]);
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-u");
        if let TmuxServer::Named(socket) = &self.server {
            command.args(["-L", socket, "-f", "/dev/null"]);
        }
        command.env_clear().envs(self.environment());
        command
    }

    pub fn server(&self) -> ProcessIdentity {
        ProcessIdentity::of(self.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap()).unwrap()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn session(&self, agent: &str, argv: &[&str]) -> StartSession {
        StartSession {
            name: format!("claude-{agent}"),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: self.directory.path().to_owned(),
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            labels: Labels { session: 42, agent: agent.into() },
            history_limit: 1234,
            size: Size { columns: 91, rows: 23 },
            status_left: agent.into(),
        }
    }

    /// A session of the hunter's that does nothing, and does not end by itself.
    pub fn idle(&self) -> StartSession {
        self.session("hunter", &["sleep", "1000"])
    }

    /// Starts a session whose script has said `echo > $1/ready` before this returns. `$1` is the test's directory, and in it `go` is
    /// a pipe for the other way.
    pub async fn ready(&self, runner: &TmuxRunner, script: &str) -> Started {
        self.pipe("ready");
        self.pipe("go");
        let started = runner.start(&self.script(script)).await.unwrap();
        self.read("ready").await;
        started
    }

    pub fn script(&self, script: &str) -> StartSession {
        self.session("hunter", &["sh", "-c", script, "sh", self.directory.path().to_str().unwrap()])
    }

    pub fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.file(name)).status().unwrap();
        assert!(made.success());
    }

    /// Waits for what is written to a pipe.
    pub async fn read(&self, name: &str) -> String {
        let read = tokio::fs::read_to_string(self.file(name));
        timeout(Duration::from_secs(10), read).await.expect("nothing was written in time").unwrap()
    }

    /// The process whose number a script wrote to a file.
    pub fn process_in(&self, name: &str) -> ProcessIdentity {
        let pid = std::fs::read_to_string(self.file(name)).unwrap().trim().parse().unwrap();
        ProcessIdentity::of(pid).unwrap()
    }

    /// Waits until tmux has noticed something of which it tells nobody.
    pub async fn wait_for_format(&self, pane: &PaneId, format: &str, expected: &str) {
        let begun = Instant::now();
        while self.tmux(&["display-message", "-p", "-t", &pane.0, format]) != expected {
            assert!(begun.elapsed() < Duration::from_secs(10), "{format} never became {expected}");
            tokio::task::yield_now().await;
        }
    }

    pub async fn write(&self, name: &str) {
        let write = tokio::fs::write(self.file(name), "\n");
        timeout(Duration::from_secs(10), write).await.expect("nobody read in time").unwrap();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // There may be none, or none any more.
        drop(self.command().arg("kill-server").stderr(Stdio::null()).status());
        // Some scripts outlive tmux on purpose. They and all they start have the test's directory for their own.
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            if std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.directory.path())) {
                drop(Command::new("kill").arg("-KILL").arg(process.file_name()).stderr(Stdio::null()).status());
            }
        }
    }
}

/// The one session that the runner lists.
pub async fn only(runner: &TmuxRunner) -> ObservedSession {
    let mut sessions = runner.list().await.unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.remove(0)
}

pub fn kill(signal: &str, pid: i32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Kills a process, and waits until it has ended.
pub async fn kill_and_wait(process: ProcessIdentity) {
    kill("-KILL", process.pid);
    wait_exit(process).await.unwrap();
}
