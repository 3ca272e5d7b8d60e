//! Starting: what is asked for arrives as it is, or is refused beforehand, and nothing else gets in.
//!
//! Not here: names and panes that are somebody else's (`owners`).

use std::process::Stdio;

use claude_swarm::runner::{
    Exit, Labels, ObservedSession, ProcessIdentity, Runner, RunnerError, Size, StartSession, State, TmuxRunner, TmuxServer,
    is_alive, wait_exit,
};

use super::stage::{Bench, GRACE, HOME, only};

#[tokio::test]
async fn a_started_session_is_listed_with_marks_and_identity() {
    let (bench, runner) = Bench::with_runner();
    assert_eq!(runner.list().await.unwrap(), [], "no server is no error");
    let started = runner.start(&bench.idle()).await.unwrap();
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
    let again = runner.start(&bench.idle()).await;
    assert!(matches!(again, Err(RunnerError::AlreadyStarted { pane, .. }) if pane == started.pane));
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
    assert!(!is_alive(started.process));
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
    let (bench, runner) = Bench::with_runner();
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
async fn neither_the_caller_s_nor_the_person_s_environment_gets_in() {
    let (bench, runner) = Bench::with_runner();
    // The runner starts the server.
    let ours = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let global = bench.tmux(&["show-environment", "-g"]);
    // The one was given to the runner, the other is in the environment of this very process.
    assert!(!global.contains("SWARM_CANARY") && !global.contains("CARGO"), "{global}");
    assert!(!environment_of(ours.process).contains("SWARM_CANARY"));
    // A person with secrets in the shell has started the server.
    let (bench, runner) = Bench::with_runner();
    let person =
        bench.command().env("SWARM_CANARY", "secret").args(["new-session", "-d", "-s", "mine", "sleep", "1000"]).status();
    assert!(person.unwrap().success());
    assert!(bench.tmux(&["show-environment", "-g"]).contains("SWARM_CANARY"));
    let ours = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let environment = environment_of(ours.process);
    assert!(!environment.contains("SWARM_CANARY") && !environment.contains("TMUX"), "{environment}");
}

fn environment_of(process: ProcessIdentity) -> String {
    std::fs::read_to_string(format!("/proc/{}/environ", process.pid)).unwrap().replace('\0', "\n")
}

#[tokio::test]
async fn a_program_that_is_missing_shows_as_an_exit() {
    let (bench, runner) = Bench::with_runner();
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
