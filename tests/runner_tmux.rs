//! The tmux runner against the real tmux. Every test has a tmux server of its own, which is ended with the test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use claude_swarm::runner::{
    Ended, Exit, Holder, Labels, ObservedSession, PaneId, ProcessIdentity, Runner, RunnerError, Size, StartSession, Started,
    State, TmuxRunner, TmuxServer, end, is_alive, wait_exit,
};
use tempfile::TempDir;
use tokio::time::timeout;

const HOME: &str = "home-1";
const GRACE: Duration = Duration::from_millis(300);

/// A tmux server of a test's own, with a directory for what its processes write.
struct Bench {
    server: TmuxServer,
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let socket = format!("swarm-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { server: TmuxServer::Named(socket), directory: tempfile::tempdir().unwrap() }
    }

    /// The default server of a person who has this configuration; it lives in the test's directory like all the others.
    fn of_a_person(configuration: &str) -> Self {
        let bench = Self { server: TmuxServer::Default, directory: tempfile::tempdir().unwrap() };
        std::fs::write(bench.file(".tmux.conf"), configuration).unwrap();
        bench
    }

    fn runner(&self) -> TmuxRunner {
        self.runner_of(HOME)
    }

    fn runner_of(&self, home: &str) -> TmuxRunner {
        let mut environment = self.environment();
        environment.push(("SWARM_CANARY".into(), "secret".into()));
        TmuxRunner::new(self.server.clone(), home, environment).unwrap()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let directory = self.directory.path().to_str().unwrap();
        let pairs =
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", directory), ("LANG", "C.UTF-8"), ("TMUX_TMPDIR", directory)];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// What a person does: tmux itself.
    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-u");
        if let TmuxServer::Named(socket) = &self.server {
            command.args(["-L", socket, "-f", "/dev/null"]);
        }
        command.env_clear().envs(self.environment());
        command
    }

    fn server(&self) -> ProcessIdentity {
        ProcessIdentity::of(self.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap()).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn session(&self, agent: &str, argv: &[&str]) -> StartSession {
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

    /// Starts a session whose script has said `echo > $1/ready` before this returns. `$1` is the test's directory, and in it `go` is
    /// a pipe for the other way.
    async fn ready(&self, runner: &TmuxRunner, script: &str) -> Started {
        self.pipe("ready");
        self.pipe("go");
        let started = runner.start(&self.script(script)).await.unwrap();
        self.read("ready").await;
        started
    }

    fn script(&self, script: &str) -> StartSession {
        self.session("hunter", &["sh", "-c", script, "sh", self.directory.path().to_str().unwrap()])
    }

    fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.file(name)).status().unwrap();
        assert!(made.success());
    }

    /// Waits for what is written to a pipe.
    async fn read(&self, name: &str) -> String {
        let read = tokio::fs::read_to_string(self.file(name));
        timeout(Duration::from_secs(10), read).await.expect("nothing was written in time").unwrap()
    }

    /// The process whose number a script wrote to a file.
    fn process_in(&self, name: &str) -> ProcessIdentity {
        let pid = std::fs::read_to_string(self.file(name)).unwrap().trim().parse().unwrap();
        ProcessIdentity::of(pid).unwrap()
    }

    /// Waits until tmux has noticed something of which it tells nobody.
    async fn wait_for_format(&self, pane: &PaneId, format: &str, expected: &str) {
        let begun = Instant::now();
        while self.tmux(&["display-message", "-p", "-t", &pane.0, format]) != expected {
            assert!(begun.elapsed() < Duration::from_secs(10), "{format} never became {expected}");
            tokio::task::yield_now().await;
        }
    }

    async fn write(&self, name: &str) {
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

async fn only(runner: &TmuxRunner) -> ObservedSession {
    let mut sessions = runner.list().await.unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.remove(0)
}

#[tokio::test]
async fn a_started_session_is_listed_with_marks_and_identity() {
    let bench = Bench::new();
    let runner = bench.runner();
    assert_eq!(runner.list().await.unwrap(), [], "no server is no error");
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    let expected = ObservedSession {
        pane: started.pane.clone(),
        name: "claude-hunter".into(),
        labels: Labels { session: 42, agent: "hunter".into() },
        state: State::Running(started.process),
        attached: 0,
    };
    assert_eq!(runner.list().await.unwrap(), [expected]);
    assert_eq!(ProcessIdentity::of(started.process.pid), Some(started.process));
    assert!(is_alive(started.process));
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{pane_width}x#{pane_height}"]), "91x23");
    let again = runner.start(&bench.session("hunter", &["sleep", "1000"])).await;
    assert!(matches!(again, Err(RunnerError::AlreadyStarted { pane, .. }) if pane == started.pane));
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
    assert!(!is_alive(started.process));
}

#[tokio::test]
async fn a_person_s_session_of_the_name_is_left_untouched() {
    let bench = Bench::new();
    let runner = bench.runner();
    let look = ["list-panes", "-a", "-F", "#{session_name} #{pane_id} #{pane_pid} #{pane_dead} #{window_name} #{remain-on-exit}"];
    bench.tmux(&["new-session", "-d", "-s", "claude-hunter", "-n", "mine", "sleep", "1000"]);
    let before = (bench.tmux(&look), bench.tmux(&["show-options", "-t", "=claude-hunter:"]));
    let refused = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap_err();
    assert!(matches!(&refused, RunnerError::NameTaken { name, holder: Holder::Person } if name == "claude-hunter"));
    assert!(refused.to_string().contains("not the swarm's"), "{refused}");
    assert_eq!(runner.list().await.unwrap(), []);
    let pane = PaneId(bench.tmux(&["display-message", "-p", "-t", "=claude-hunter:", "#{pane_id}"]));
    assert!(matches!(runner.stop(&pane, None, GRACE).await, Ok(())), "what is not there needs no stopping");
    let session = bench.session("hunter", &["sleep", "1000"]);
    assert!(matches!(runner.respawn(&pane, &session).await, Err(RunnerError::NotFound(_))));
    assert!(matches!(runner.capture(&pane, false).await, Err(RunnerError::NotFound(_))));
    assert_eq!((bench.tmux(&look), bench.tmux(&["show-options", "-t", "=claude-hunter:"])), before);
}

#[tokio::test]
async fn another_home_s_session_is_neither_seen_nor_touched() {
    let bench = Bench::new();
    let (runner, other) = (bench.runner(), bench.runner_of("home-2"));
    let theirs = other.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    let refused = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap_err();
    assert!(matches!(refused, RunnerError::NameTaken { holder: Holder::OtherHome(home), .. } if home == "home-2"));
    assert_eq!(runner.list().await.unwrap(), []);
    runner.stop(&theirs.pane, None, GRACE).await.unwrap();
    assert!(matches!(runner.capture(&theirs.pane, false).await, Err(RunnerError::NotFound(_))));
    assert_eq!(only(&other).await.state, State::Running(theirs.process));
}

#[tokio::test]
async fn names_that_begin_alike_are_not_confused() {
    let bench = Bench::new();
    let runner = bench.runner();
    let mut panes = BTreeMap::new();
    for agent in ["developer-10", "developer-1", "dev"] {
        panes.insert(agent, runner.start(&bench.session(agent, &["sleep", "1000"])).await.unwrap());
    }
    runner.stop(&panes["dev"].pane, Some(panes["dev"].process), GRACE).await.unwrap();
    let left: Vec<_> = runner.list().await.unwrap().into_iter().map(|session| (session.labels.agent, session.pane)).collect();
    let expected = ["developer-10", "developer-1"].map(|agent| (agent.to_owned(), panes[agent].pane.clone()));
    assert_eq!(left, expected);
}

#[tokio::test]
async fn arguments_directory_and_environment_arrive_verbatim() {
    let bench = Bench::new();
    bench.pipe("dump");
    let runner = bench.runner();
    let hard = [
        ";",
        "a;",
        "a\\;",
        "\\",
        "",
        " ",
        "two words",
        "it's",
        "\"quoted\"",
        "line\nfeed",
        "$HOME",
        "${PATH}",
        "`id`",
        "$(id)",
        "#{pane_id}",
        "#(id)",
        "%0",
        "~",
        "*",
        "-t",
        "--",
        "{",
        "}",
        "A=B",
        "ü ✓",
        "\t",
        "new-session",
        "#",
        "\u{1b}[31m",
    ];
    let directory = bench.file("a #{pane_id} #S %H 'b' \"c\" $d;");
    std::fs::create_dir(&directory).unwrap();
    let script =
        r#"{ cat /proc/$$/cmdline; printf '\001'; readlink -n /proc/$$/cwd; printf '\001'; cat /proc/$$/environ; } > "$1""#;
    let dump = bench.file("dump");
    let mut argv = vec!["sh", "-c", script, "sh", dump.to_str().unwrap()];
    argv.extend(hard);
    let mut session = bench.session("hunter", &argv);
    session.cwd = directory.clone();
    session.env = hard.iter().enumerate().map(|(n, value)| (format!("V{n}"), (*value).to_owned())).collect();
    session.env.push(("PATH".into(), "/usr/bin:/bin".into()));

    let check = |dumped: String| {
        let parts: Vec<&str> = dumped.split('\u{1}').collect();
        let arguments: Vec<&str> = parts[0].trim_end_matches('\0').split('\0').collect();
        // A last empty argument would be trimmed; there is none.
        assert_eq!(arguments, argv);
        assert_eq!(parts[1], directory.to_str().unwrap());
        let mut variables: Vec<(String, String)> = parts[2]
            .split_terminator('\0')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        assert_eq!(variables.remove(0), ("TERM".into(), "screen-256color".into()));
        assert_eq!(variables, session.env, "nothing more and nothing less");
    };
    // The process may have ended before it was identified, and that is an answer too.
    let pane = match runner.start(&session).await {
        Ok(started) => started.pane,
        Err(RunnerError::ExitedAtOnce(pane)) => pane,
        Err(error) => panic!("{error}"),
    };
    check(bench.read("dump").await);
    if let State::Running(process) = only(&runner).await.state {
        wait_exit(process).await.unwrap();
    }
    // By the other way, through tmux's own parser.
    let respawned = runner.respawn(&pane, &session).await;
    assert!(matches!(&respawned, Ok(_) | Err(RunnerError::ExitedAtOnce(_))), "{respawned:?}");
    check(bench.read("dump").await);
}

#[tokio::test]
async fn what_cannot_arrive_is_refused_beforehand() {
    let bench = Bench::new();
    let runner = bench.runner();
    let good = bench.session("hunter", &["sleep", "1"]);
    let bad = [
        ("name", StartSession { name: "a.b".into(), ..good.clone() }),
        ("name", StartSession { name: "a:b".into(), ..good.clone() }),
        ("name", StartSession { name: String::new(), ..good.clone() }),
        ("labels.agent", StartSession { labels: Labels { session: 1, agent: "a,b}".into() }, ..good.clone() }),
        ("argv", StartSession { argv: vec![], ..good.clone() }),
        ("argv", StartSession { argv: vec!["/a=b/c".into()], ..good.clone() }),
        ("argv", StartSession { argv: vec!["a".into(), "\0".into()], ..good.clone() }),
        ("env", StartSession { env: vec![("A=B".into(), String::new())], ..good.clone() }),
        ("env", StartSession { env: vec![("-S".into(), String::new())], ..good.clone() }),
        ("argv", StartSession { argv: vec!["a".into(), "x".repeat(20_000)], ..good.clone() }),
        ("cwd", StartSession { cwd: "/no/such/directory".into(), ..good.clone() }),
        ("size", StartSession { size: Size { columns: 0, rows: 1 }, ..good.clone() }),
    ];
    for (expected, session) in bad {
        let refused = runner.start(&session).await;
        assert!(matches!(&refused, Err(RunnerError::Invalid { field, .. }) if *field == expected), "{expected}: {refused:?}");
    }
    assert!(
        !bench.command().arg("has-session").stderr(Stdio::null()).status().unwrap().success(),
        "not even a server was started"
    );
}

#[tokio::test]
async fn an_exit_is_seen_at_once_and_its_status_remains() {
    let bench = Bench::new();
    let runner = bench.runner();
    let started = bench.ready(&runner, "echo > $1/ready; read line < $1/go; exit 7").await;
    let exit = tokio::spawn(runner.exited(started.process));
    tokio::task::yield_now().await;
    assert!(!exit.is_finished());
    bench.write("go").await;
    timeout(Duration::from_secs(5), exit).await.unwrap().unwrap().unwrap();
    let observed = only(&runner).await;
    assert_eq!((observed.pane, observed.state), (started.pane, State::Exited(Exit::Code(7))));
    timeout(Duration::from_millis(100), wait_exit(started.process)).await.expect("at once when it is over already").unwrap();
}

#[tokio::test]
async fn a_killed_process_is_seen_within_100_ms_and_its_signal_remains() {
    let bench = Bench::new();
    let runner = bench.runner();
    let started = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let exit = tokio::spawn(wait_exit(started.process));
    tokio::task::yield_now().await;
    let killed = Instant::now();
    kill("-KILL", started.process.pid);
    timeout(Duration::from_secs(5), exit).await.unwrap().unwrap().unwrap();
    assert!(killed.elapsed() < Duration::from_millis(100), "{:?}", killed.elapsed());
    assert_eq!(only(&runner).await.state, State::Exited(Exit::Signal(9)));
}

/// tmux misses one end of a process in ten to twenty where it is built with utempter; here it must not show.
#[tokio::test]
async fn how_a_process_ended_is_known_every_time() {
    let bench = Bench::new();
    let runner = bench.runner();
    let session = bench.session("hunter", &["sleep", "1000"]);
    let mut started = runner.start(&session).await.unwrap();
    for _ in 0..100 {
        kill("-KILL", started.process.pid);
        wait_exit(started.process).await.unwrap();
        assert_eq!(only(&runner).await.state, State::Exited(Exit::Signal(9)));
        started = runner.respawn(&started.pane, &session).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_closed_its_terminal_still_runs() {
    let bench = Bench::new();
    let runner = bench.runner();
    let started = bench.ready(&runner, "trap '' HUP; exec 0<&- 1>&- 2>&-; echo > $1/ready; read line < $1/go").await;
    bench.wait_for_format(&started.pane, "#{pane_dead}", "1").await;
    assert_eq!(only(&runner).await.state, State::Running(started.process));
    let refused = runner.respawn(&started.pane, &bench.script("true")).await;
    assert!(matches!(refused, Err(RunnerError::StillRunning { process, .. }) if process == started.process));
}

#[tokio::test]
async fn a_respawn_keeps_the_pane_and_who_looks_at_it() {
    let bench = Bench::new();
    let runner = bench.runner();
    let first = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let mut person = bench.command();
    let mut person =
        person.args(["-C", "attach", "-t", "=claude-hunter:"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    bench.wait_for_format(&first.pane, "#{session_attached}", "1").await;
    let client = bench.tmux(&["list-clients", "-F", "#{client_pid} #{session_name}"]);

    let mut next = bench.session("hunter", &["sleep", "1000"]);
    next.labels.session = 43;
    let refused = runner.respawn(&first.pane, &next).await;
    assert!(matches!(refused, Err(RunnerError::StillRunning { process, .. }) if process == first.process));
    kill("-KILL", first.process.pid);
    wait_exit(first.process).await.unwrap();
    let second = runner.respawn(&first.pane, &next).await.unwrap();
    assert_eq!(second.pane, first.pane);
    assert_ne!(second.process, first.process);
    let observed = only(&runner).await;
    assert_eq!(observed.state, State::Running(second.process));
    assert_eq!((observed.labels.session, observed.attached), (43, 1));
    assert_eq!(bench.tmux(&["list-clients", "-F", "#{client_pid} #{session_name}"]), client);
    person.kill().unwrap();
    person.wait().unwrap();
}

#[tokio::test]
async fn stop_ends_children_that_ignore_hangup_and_have_sessions_of_their_own() {
    let bench = Bench::new();
    let runner = bench.runner();
    let script = "trap '' HUP TERM
        setsid sh -c 'trap \"\" HUP TERM; echo $$ > $1/one; (setsid sleep 1001 & echo $! > $1/two; wait)' sh $1 &
        (sh -c 'trap \"\" HUP TERM; echo $$ > $1/three; sleep 1002; :' sh $1 &)
        while ! [ -s $1/one ] || ! [ -s $1/two ] || ! [ -s $1/three ]; do :; done
        echo > $1/ready; while :; do sleep 1003; done";
    let started = bench.ready(&runner, script).await;
    let children: Vec<_> = ["one", "two", "three"].iter().map(|name| bench.process_in(name)).collect();
    assert!(children.iter().all(|&child| is_alive(child)));
    let begun = Instant::now();
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert!(begun.elapsed() >= GRACE, "the grace was granted");
    assert_eq!(children.iter().filter(|&&child| is_alive(child)).count(), 0);
    assert!(!is_alive(started.process));
    assert_eq!(runner.list().await.unwrap(), []);
}

#[tokio::test]
async fn stop_ends_what_a_dead_worker_left_behind() {
    let bench = Bench::new();
    let runner = bench.runner();
    let script =
        "sh -c 'trap \"\" HUP TERM; echo $$ > $1/child; echo > $1/ready; while :; do sleep 1; done' sh $1 & read line < $1/go";
    let started = bench.ready(&runner, script).await;
    let child = bench.process_in("child");
    bench.write("go").await;
    wait_exit(started.process).await.unwrap();
    assert!(is_alive(child));
    // As after a restart of the daemon: only the pane is known.
    runner.stop(&started.pane, None, GRACE).await.unwrap();
    assert!(!is_alive(child));
    assert_eq!(runner.list().await.unwrap(), []);
}

/// Not in tmux, which makes a stopped process go on by itself.
#[tokio::test]
async fn a_process_that_obeys_is_not_killed_even_when_it_was_stopped() {
    let bench = Bench::new();
    bench.pipe("ready");
    let script = "trap 'echo done > $1/done; exit' TERM; echo > $1/ready; while :; do sleep 0.01; done";
    let mut child = tokio::process::Command::new("sh");
    let child = child.args(["-c", script, "sh"]).arg(bench.directory.path()).kill_on_drop(true).spawn().unwrap();
    bench.read("ready").await;
    let process = ProcessIdentity::of(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill("-STOP", process.pid);
    let ended = end(process, Duration::from_secs(10)).await.unwrap();
    assert_eq!(ended, Ended::default());
    assert_eq!(std::fs::read_to_string(bench.file("done")).unwrap(), "done\n");
}

#[tokio::test]
async fn a_reused_number_is_never_signalled() {
    let mut child = tokio::process::Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
    let process = ProcessIdentity::of(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    let earlier = ProcessIdentity { start_time: process.start_time - 1, ..process };
    assert!(!is_alive(earlier));
    timeout(Duration::from_secs(5), wait_exit(earlier)).await.unwrap().unwrap();
    end(earlier, Duration::ZERO).await.unwrap();
    assert!(is_alive(process));
    child.start_kill().unwrap();
    wait_exit(process).await.unwrap();
    assert!(!is_alive(process), "a zombie does not run");
    child.wait().await.unwrap();
    assert!(!is_alive(process));
}

#[tokio::test]
async fn nobody_ends_itself() {
    let own = ProcessIdentity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
    assert!(end(own, Duration::ZERO).await.is_err());
}

#[tokio::test]
async fn after_the_server_was_killed_the_list_is_empty_and_start_works() {
    let bench = Bench::new();
    let runner = bench.runner();
    let first = bench.ready(&runner, "trap '' HUP; echo > $1/ready; while :; do sleep 1; done").await;
    let server = bench.server();
    kill("-KILL", server.pid);
    wait_exit(server).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
    assert!(runner.is_alive(first.process), "it ignores the hangup and must be known to live on");
    runner.stop(&first.pane, Some(first.process), GRACE).await.unwrap();
    assert!(!runner.is_alive(first.process));
    let second = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(second.process));
}

#[tokio::test]
async fn a_later_server_s_pane_of_the_same_id_is_left_alone() {
    let bench = Bench::new();
    let runner = bench.runner();
    let first = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    let server = bench.server();
    bench.tmux(&["kill-server"]);
    wait_exit(first.process).await.unwrap();
    wait_exit(server).await.unwrap();
    bench.tmux(&[
        "new-session",
        "-d",
        "-s",
        "mine",
        "sleep",
        "1000",
        ";",
        "split-window",
        "sleep",
        "1000",
        ";",
        "split-window",
        "sleep",
        "1000",
    ]);
    let panes = bench.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]);
    assert!(panes.lines().any(|pane| pane == first.pane.0), "{panes}");
    runner.stop(&first.pane, Some(first.process), GRACE).await.unwrap();
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]), panes);
}

#[tokio::test]
async fn another_process_in_the_pane_is_not_stopped() {
    let bench = Bench::new();
    let runner = bench.runner();
    let session = bench.session("hunter", &["sleep", "1000"]);
    let first = runner.start(&session).await.unwrap();
    kill("-KILL", first.process.pid);
    wait_exit(first.process).await.unwrap();
    let second = runner.respawn(&first.pane, &session).await.unwrap();
    let refused = runner.stop(&first.pane, Some(first.process), GRACE).await;
    assert!(matches!(refused, Err(RunnerError::Changed(_))));
    assert_eq!(only(&runner).await.state, State::Running(second.process));
}

/// Between the runner's look and its act, a tmux of the test's own in the PATH lets something else happen.
#[tokio::test]
async fn a_pane_that_changes_between_look_and_act_is_left_alone() {
    let bench = Bench::new();
    let runner = bench.runner();
    let session = bench.session("hunter", &["sleep", "1000"]);
    let started = runner.start(&session).await.unwrap();
    kill("-KILL", started.process.pid);
    wait_exit(started.process).await.unwrap();
    let TmuxServer::Named(socket) = &bench.server else { unreachable!() };
    let interloper = format!("tmux -L {socket} respawn-pane -k -t {} sleep 1000", started.pane);
    let script =
        format!("#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\ncase \"$*\" in *' if '*) {interloper};; esac\nexec tmux \"$@\"\n");
    std::fs::write(bench.file("tmux"), script).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(bench.file("tmux")).status().unwrap().success());
    let mut environment = bench.environment();
    environment[0].1.insert_str(0, &format!("{}:", bench.directory.path().display()));
    let late = TmuxRunner::new(bench.server.clone(), HOME, environment).unwrap();

    let refused = late.respawn(&started.pane, &session).await;
    assert!(matches!(refused, Err(RunnerError::Changed(_))), "{refused:?}");
    let State::Running(theirs) = only(&runner).await.state else { panic!("{:?}", only(&runner).await) };
    kill("-KILL", theirs.pid);
    wait_exit(theirs).await.unwrap();
    let refused = late.stop(&started.pane, Some(theirs), GRACE).await;
    assert!(matches!(refused, Err(RunnerError::Changed(_))), "{refused:?}");
    assert!(matches!(only(&runner).await.state, State::Running(_)));
}

#[tokio::test]
async fn neither_the_caller_s_nor_the_person_s_environment_gets_in() {
    let bench = Bench::new();
    let runner = bench.runner();
    // The runner starts the server.
    let ours = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let global = bench.tmux(&["show-environment", "-g"]);
    // The one was given to the runner, the other is in the environment of this very process.
    assert!(!global.contains("SWARM_CANARY") && !global.contains("CARGO"), "{global}");
    assert!(!environment_of(ours.process).contains("SWARM_CANARY"));
    // A person with secrets in the shell has started the server.
    let bench = Bench::new();
    let runner = bench.runner();
    let person =
        bench.command().env("SWARM_CANARY", "secret").args(["new-session", "-d", "-s", "mine", "sleep", "1000"]).status();
    assert!(person.unwrap().success());
    assert!(bench.tmux(&["show-environment", "-g"]).contains("SWARM_CANARY"));
    let ours = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let environment = environment_of(ours.process);
    assert!(!environment.contains("SWARM_CANARY") && !environment.contains("TMUX"), "{environment}");
}

#[tokio::test]
async fn a_start_right_after_the_last_session_ended_finds_a_new_server() {
    let bench = Bench::new();
    let runner = bench.runner();
    let session = bench.session("hunter", &["sleep", "1000"]);
    for _ in 0..20 {
        // With its last session tmux leaves, and takes its time.
        let started = runner.start(&session).await.unwrap();
        runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
        runner.start(&session).await.unwrap();
        bench.tmux(&["kill-server"]);
    }
    assert_eq!(runner.list().await.unwrap(), []);
}

#[tokio::test]
async fn scrollback_is_the_session_s_own_and_global_options_stay() {
    let bench = Bench::new();
    let runner = bench.runner();
    bench.tmux(&["new-session", "-d", "-s", "mine", "sleep", "1000"]);
    bench.tmux(&["set-option", "-g", "base-index", "1", ";", "set-option", "-g", "destroy-unattached", "off"]);
    let globals = || {
        ["-g", "-gw", "-s"]
            .map(|scope| bench.tmux(&["show-options", scope]))
            .into_iter()
            .chain([bench.tmux(&["show-hooks", "-g"])])
            .collect::<Vec<_>>()
    };
    let before = globals();
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    let limit = |target: &str| bench.tmux(&["display-message", "-p", "-t", target, "#{history_limit}"]);
    assert_eq!(limit(&started.pane.0), "1234");
    kill("-KILL", started.process.pid);
    wait_exit(started.process).await.unwrap();
    runner.respawn(&started.pane, &bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    assert_eq!(limit(&started.pane.0), "1234");
    assert_eq!(limit("=mine:"), "2000");
    assert_eq!(globals(), before);
    assert_eq!(bench.tmux(&["show-options", "-wv", "-t", "=mine:", "remain-on-exit"]), "");
}

#[tokio::test]
async fn a_configuration_that_ends_unattached_sessions_does_not_end_ours() {
    let bench = Bench::new();
    let runner = bench.runner();
    bench.tmux(&[
        "new-session",
        "-d",
        "-s",
        "mine",
        "sleep",
        "1000",
        ";",
        "set-option",
        "-t",
        "=mine:",
        "destroy-unattached",
        "off",
    ]);
    bench.tmux(&["set-option", "-g", "destroy-unattached", "on"]);
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(started.process));
}

#[tokio::test]
async fn a_person_s_own_configuration_is_lived_with() {
    let bench = Bench::of_a_person(
        "set -g base-index 1
        set -g renumber-windows on
        set -g default-command 'exec false'
        set -g default-shell /bin/false
        set -g destroy-unattached on
        set -g status off
        set -g history-limit 3
        set -g remain-on-exit failed
        set -g update-environment 'PATH'
        set -g set-titles on
        set -s command-alias[100] 'new-session=new-session -n theirs'
        set -g no-such-option 1",
    );
    let runner = bench.runner();
    let first = bench.ready(&runner, "echo > $1/ready; read line < $1/go; exit 3").await;
    assert_eq!(bench.tmux(&["show-options", "-gv", "base-index"]), "1", "the configuration was read");
    assert_eq!(bench.tmux(&["display-message", "-p", "-t", &first.pane.0, "#{history_limit}"]), "1234");
    bench.write("go").await;
    wait_exit(first.process).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Exited(Exit::Code(3)));
    let second = runner.respawn(&first.pane, &bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(second.process));
    runner.stop(&second.pane, Some(second.process), GRACE).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
}

#[tokio::test]
async fn hooks_that_take_their_time_leave_a_complete_session() {
    let bench = Bench::new();
    let runner = bench.runner();
    bench.tmux(&["new-session", "-d", "-s", "mine", "sleep", "1000"]);
    for hook in ["after-new-session", "after-new-window", "after-set-option"] {
        bench.tmux(&["set-hook", "-g", hook, "run-shell 'echo noise; sleep 0.05'"]);
    }
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(started.process));
}

#[tokio::test]
async fn a_person_s_pane_in_our_session_is_neither_listed_nor_ended() {
    let bench = Bench::new();
    let runner = bench.runner();
    let session = bench.session("hunter", &["sleep", "1000"]);
    let started = runner.start(&session).await.unwrap();
    let split = bench.tmux(&["split-window", "-t", "=claude-hunter:", "-P", "-F", "#{pane_id}", "sleep", "1000"]);
    assert_eq!(only(&runner).await.pane, started.pane);
    assert!(matches!(runner.capture(&PaneId(split.clone()), false).await, Err(RunnerError::NotFound(_))));
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]), split);
    let again = runner.start(&session).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(again.process));
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{session_name}"]), "claude-hunter\nclaude-hunter");
}

#[tokio::test]
async fn a_pane_that_a_person_moved_or_shares_is_still_known_once() {
    let bench = Bench::new();
    let runner = bench.runner();
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    bench.tmux(&["new-session", "-d", "-s", "a-view", "-t", "=claude-hunter"]);
    assert_eq!(only(&runner).await.name, "claude-hunter");
    bench.tmux(&["new-session", "-d", "-s", "mine", "sleep", "1000"]);
    bench.tmux(&["join-pane", "-d", "-s", &started.pane.0, "-t", "=mine:"]);
    assert_eq!(only(&runner).await.name, "mine");
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{session_name}"]), "mine", "the person's own pane stays");
}

#[tokio::test]
async fn the_status_line_shows_the_text_as_it_is() {
    let bench = Bench::new();
    let runner = bench.runner();
    let mut session = bench.session("hunter", &["sleep", "1000"]);
    session.status_left = "REHEARSAL #S #(id) %H #[fg=red] hunter".into();
    let started = runner.start(&session).await.unwrap();
    let shown = bench.tmux(&["display-message", "-p", "-t", &started.pane.0, "#{T:status-left}"]);
    // `##[` is kept for the next step, which draws it as `#[`.
    assert_eq!(shown, "[REHEARSAL #S #(id) %H ##[fg=red] hunter]");
}

#[tokio::test]
async fn a_capture_is_what_is_shown_with_or_without_colours() {
    let bench = Bench::new();
    let runner = bench.runner();
    let script = "printf '\\033[31mred ü ✓\\033[0m\\n'; echo > $1/ready; read line < $1/go; exit 7";
    let started = bench.ready(&runner, script).await;
    bench.wait_for_format(&started.pane, "#{cursor_y}", "1").await;
    assert_eq!(runner.capture(&started.pane, false).await.unwrap().trim_end(), "red ü ✓");
    assert!(runner.capture(&started.pane, true).await.unwrap().starts_with("\u{1b}[31mred ü ✓"));
    bench.write("go").await;
    wait_exit(started.process).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Exited(Exit::Code(7)));
    let last = runner.capture(&started.pane, false).await.unwrap();
    assert!(last.starts_with("red ü ✓") && last.contains("Pane is dead (status 7"), "{last}");
    let missing = runner.capture(&PaneId("%999".into()), false).await;
    assert!(matches!(missing, Err(RunnerError::NotFound(_))));
}

#[tokio::test]
async fn a_program_that_is_missing_shows_as_an_exit() {
    let bench = Bench::new();
    let runner = bench.runner();
    match runner.start(&bench.session("hunter", &["/no/such/program"])).await {
        Ok(started) => wait_exit(started.process).await.unwrap(),
        Err(error) => assert!(matches!(error, RunnerError::ExitedAtOnce(_)), "{error}"),
    }
    assert_eq!(only(&runner).await.state, State::Exited(Exit::Code(127)));
}

#[tokio::test]
async fn a_missing_tmux_is_said_so() {
    let environment = [("PATH".to_owned(), "/nonexistent".to_owned())];
    let runner = TmuxRunner::new(TmuxServer::Named("swarm-test-none".into()), HOME, environment).unwrap();
    assert!(matches!(runner.list().await, Err(RunnerError::NotInstalled)));
}

#[tokio::test]
async fn a_server_that_hangs_times_out_and_its_process_can_be_ended() {
    let bench = Bench::new();
    let runner = bench.runner();
    let started = runner.start(&bench.session("hunter", &["sleep", "1000"])).await.unwrap();
    let server = bench.server().pid;
    kill("-STOP", server);
    let begun = Instant::now();
    let stopped = runner.stop(&started.pane, Some(started.process), GRACE).await;
    let took = begun.elapsed();
    kill("-CONT", server);
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert!(matches!(stopped, Err(RunnerError::Timeout { .. })));
    assert!(!is_alive(started.process));
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
}

fn kill(signal: &str, pid: i32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn environment_of(process: ProcessIdentity) -> String {
    std::fs::read_to_string(format!("/proc/{}/environ", process.pid)).unwrap().replace('\0', "\n")
}
