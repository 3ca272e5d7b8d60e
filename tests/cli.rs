//! The command lines where no daemon runs: exit codes, what is said, and what works without one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/output.rs"]
mod output;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use output::{SWARM, TASKS, ended, err, out};
use rstest::rstest;
use serde_json::{Value, json};

struct Place {
    dir: tempfile::TempDir,
    home: PathBuf,
}

impl Place {
    /// A folder without a home.
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        Self { dir, home }
    }

    /// A folder with a rehearsal home.
    fn home() -> Self {
        let place = Self::empty();
        let output = place.run(SWARM, &["init", place.home.to_str().unwrap(), "--rehearsal"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        place
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program, args).output().unwrap()
    }

    /// Runs `claude-swarm` on the home.
    fn at_home(&self, args: &[&str]) -> Output {
        self.command(SWARM, args).env("CLAUDE_SWARM_HOME", &self.home).output().unwrap()
    }
}

#[rstest]
#[case(SWARM, "claude-swarm")]
#[case(TASKS, "claude-tasks")]
fn help_and_version_are_no_errors(#[case] program: &str, #[case] name: &str) {
    let place = Place::empty();
    let version = place.run(program, &["--version"]);
    ended(&version, 0);
    assert_eq!(out(&version), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    let help = place.run(program, &["--help"]);
    ended(&help, 0);
    let words = out(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("0 done, 1 failed, 2 usage, 3 daemon not running, 4 not found, 5 conflict or stale, 6 not allowed"),
        "{words}"
    );
    let script = place.run(program, &["completions", "bash"]);
    ended(&script, 0);
    assert!(out(&script).contains(&format!("complete -F _{}", name.replace('-', "__"))), "{}", out(&script));
}

#[rstest]
#[case(SWARM, &["nonsense"])]
#[case(SWARM, &["reject", "3"])]
#[case(SWARM, &["approve", "three"])]
#[case(SWARM, &["income", "add", "1.234", "--source", "x"])]
#[case(SWARM, &["income", "add", "1", "--source", "x", "--date", "2026-02-30"])]
#[case(SWARM, &["stop", "hunter", "--keep-sessions"])]
#[case(TASKS, &["wait", "1", "--timeout", "60"])]
#[case(TASKS, &["create"])]
#[case(TASKS, &["list", "--limit", "0"])]
fn what_is_not_understood_is_a_usage_error(#[case] program: &str, #[case] args: &[&str]) {
    let place = Place::empty();
    let plain = place.run(program, args);
    ended(&plain, 2);
    assert!(err(&plain).starts_with("error: ") && plain.stdout.is_empty(), "{}", err(&plain));
    let as_json = place.run(program, &[args, &["--json"]].concat());
    ended(&as_json, 2);
    let problem: Value = serde_json::from_str(&err(&as_json)).unwrap();
    assert_eq!((&problem["kind"], &problem["exit"]), (&json!("invalid"), &json!(2)), "{problem}");
    assert!(!problem["detail"].as_str().unwrap().contains('\n'), "{problem}");
}

#[test]
fn without_a_verb_there_is_help() {
    let place = Place::empty();
    let plain = place.run(SWARM, &["income"]);
    ended(&plain, 2);
    assert!(err(&plain).contains("Usage: claude-swarm income"), "{}", err(&plain));
    let problem: Value = serde_json::from_str(&err(&place.run(SWARM, &["income", "--json"]))).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("requires a subcommand"), "{problem}");
    assert_eq!((&problem["exit"], &problem["hint"]), (&json!(2), &json!("see --help")));
}

#[rstest]
#[case(SWARM, &["status"])]
#[case(SWARM, &["stop"])]
#[case(SWARM, &["approve", "1"])]
#[case(SWARM, &["events", "-f"])]
#[case(SWARM, &["ask", "anybody?"])]
#[case(TASKS, &["list"])]
#[case(TASKS, &["wait", "1"])]
fn without_a_daemon_it_is_said_how_to_start_it(#[case] program: &str, #[case] args: &[&str]) {
    let place = Place::home();
    let home = place.home.to_str().unwrap();
    let sentence = format!("the daemon of {home} is not running; start it with `claude-swarm start`");
    let plain = place.run(program, &[args, &["--home", home]].concat());
    ended(&plain, 3);
    assert_eq!(err(&plain), format!("error: {sentence}\n"));
    let as_json = place.run(program, &[args, &["--home", home, "--json"]].concat());
    ended(&as_json, 3);
    let problem: Value = serde_json::from_str(&err(&as_json)).unwrap();
    assert_eq!(problem, json!({"kind": "not_running", "exit": 3, "detail": sentence}));
}

#[test]
fn a_home_that_is_not_there_is_not_found() {
    let place = Place::empty();
    let output = place.run(SWARM, &["status"]);
    ended(&output, 4);
    assert!(err(&output).contains("  → give --home DIR"), "{}", err(&output));
    // In a sandbox there is no home, and none is needed.
    let mut command = place.command(TASKS, &["list"]);
    let output = command.env("CLAUDE_SWARM_SOCKET", "/run/swarm/swarm.sock").output().unwrap();
    ended(&output, 3);
    assert_eq!(err(&output), "error: no daemon listens at /run/swarm/swarm.sock\n");
}

#[test]
fn a_home_is_made_once() {
    let place = Place::empty();
    let home = place.home.to_str().unwrap();
    let refused = place.run(SWARM, &["init", home, "--listen", "0.0.0.0:80"]);
    ended(&refused, 2);
    assert!(err(&refused).starts_with("error: listen: "), "{}", err(&refused));
    assert!(!place.home.exists());
    let made = place.run(SWARM, &["init", home, "--tmux", "default", "--listen", "127.0.0.1:4321", "--json"]);
    ended(&made, 0);
    let made: Value = serde_json::from_str(&out(&made)).unwrap();
    assert_eq!(made["home"], home);
    let settings = fs::read_to_string(place.home.join("config/settings.yaml")).unwrap();
    assert!(settings.contains("listen: 127.0.0.1:4321") && settings.contains("server: default"), "{settings}");
    assert!(!place.home.join("config/kind").exists());
    let again = place.run(SWARM, &["init", home]);
    ended(&again, 5);
    ended(&place.run(SWARM, &["config", "check", "--home", home]), 0);
}

#[test]
fn a_broken_configuration_is_shown_with_its_place_and_starts_nothing() {
    let place = Place::home();
    fs::write(place.home.join("config/settings.yaml"), "budget:\n  daily_usd: lots\n").unwrap();
    let plain = place.at_home(&["config", "check"]);
    ended(&plain, 1);
    assert!(out(&plain).starts_with("config/settings.yaml:2: budget.daily_usd: "), "{}", out(&plain));
    assert!(plain.stderr.is_empty(), "{}", err(&plain));
    let report: Value = serde_json::from_str(&out(&place.at_home(&["config", "check", "--json"]))).unwrap();
    assert_eq!((&report["ok"], &report["problems"][0]["line"]), (&json!(false), &json!(2)), "{report}");
    let start = place.at_home(&["start"]);
    ended(&start, 1);
    assert!(err(&start).contains("config/settings.yaml:2: budget.daily_usd: "), "{}", err(&start));
    assert!(!place.home.join("logs/daemon.log").exists());
}

#[test]
fn only_a_rehearsal_is_played_by_a_script() {
    let place = Place::empty();
    ended(&place.run(SWARM, &["init", place.home.to_str().unwrap()]), 0);
    for option in [&["--auto-approve"][..], &["--pace", "2"]] {
        let output = place.at_home(&[&["start"], option].concat());
        ended(&output, 6);
    }
    assert!(!place.home.join("logs/daemon.log").exists());
}

#[test]
fn logs_are_read_from_the_files() {
    let place = Place::home();
    let missing = place.at_home(&["logs", "hunter"]);
    ended(&missing, 4);
    fs::create_dir(place.home.join("logs")).unwrap();
    fs::write(place.home.join("logs/hunter.log"), "one\n\u{1b}[31mtwo\u{1b}[0m\nthree\u{1b}[2J\u{7}\n").unwrap();
    let output = place.at_home(&["logs", "hunter", "-n", "2"]);
    ended(&output, 0);
    assert_eq!(out(&output), "two\nthree^[[2J^G\n");
    let lines = out(&place.at_home(&["logs", "hunter", "-n", "1", "--json"]));
    assert_eq!(lines, "\"three^[[2J^G\"\n");
    ended(&place.at_home(&["logs", "../config/settings"]), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::home();
    fs::create_dir(place.home.join("logs")).unwrap();
    fs::write(place.home.join("logs/hunter.log"), "a line\n".repeat(100_000)).unwrap();
    for args in [&["logs", "hunter", "-n", "100000"][..], &["logs", "hunter", "-f"], &["completions", "zsh"]] {
        let mut command = place.command(SWARM, args);
        command.env("CLAUDE_SWARM_HOME", &place.home).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        ended(&output, 0);
        assert!(output.stderr.is_empty(), "{args:?}: {}", err(&output));
    }
}

#[test]
fn an_output_that_is_full_is_a_failure() {
    let place = Place::home();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = place.command(SWARM, &["config", "check"]);
    let child = command.env("CLAUDE_SWARM_HOME", &place.home).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    ended(&output, 1);
    assert!(err(&output).starts_with("error: the output cannot be written: "), "{}", err(&output));
}

fn doctor(place: &Place, path: &str, more: &[(&str, &str)]) -> (i32, Vec<Value>) {
    let mut command = place.command(SWARM, &["doctor", "--json"]);
    command.env("CLAUDE_SWARM_HOME", &place.home).env("PATH", path).envs(more.iter().copied());
    let output = command.output().unwrap();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], output.status.success());
    (output.status.code().unwrap(), report["findings"].as_array_mut().map(std::mem::take).unwrap())
}

#[track_caller]
fn finding<'a>(findings: &'a [Value], name: &str) -> (&'a str, &'a str) {
    let found = findings.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("{name}: {findings:#?}"));
    (found["verdict"].as_str().unwrap(), found["message"].as_str().unwrap())
}

/// Programs that answer as the named ones would.
fn programs(folder: &Path, scripts: &[(&str, &str)]) -> String {
    for (name, script) in scripts {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn doctor_finds_what_is_missing_and_what_is_too_old() {
    let place = Place::home();
    let (code, findings) = doctor(&place, "/no/such/folder", &[]);
    assert_eq!(code, 1);
    for name in ["tmux", "sandbox", "git", "claude"] {
        assert_eq!(finding(&findings, name).0, "fail", "{findings:#?}");
    }
    assert!(findings.iter().filter(|it| it["verdict"] != "ok").all(|it| it["remedy"].is_string()), "{findings:#?}");
    assert_eq!(finding(&findings, "codex").0, "ok");
    assert_eq!(finding(&findings, "config").0, "ok");

    let tools = place.dir.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let path = programs(
        &tools,
        &[
            ("tmux", "echo tmux 3.1c"),
            ("bwrap", "echo bubblewrap 0.7.9"),
            ("git", "echo broken >&2; exit 9"),
            ("claude", "echo '2.1.197 (Claude Code)'"),
        ],
    );
    let (code, findings) = doctor(&place, &path, &[]);
    assert_eq!(code, 1);
    assert_eq!(finding(&findings, "tmux"), ("fail", "tmux 3.1c is too old"));
    assert_eq!(finding(&findings, "sandbox"), ("fail", "bubblewrap 0.7.9 is too old"));
    let (verdict, message) = finding(&findings, "git");
    assert!(verdict == "fail" && message.ends_with("does not run: exit code 9: broken"), "{message}");
    let (verdict, message) = finding(&findings, "claude");
    assert!(verdict == "ok" && message.starts_with("2.1.197 (Claude Code) at /"), "{message}");
}

#[test]
fn doctor_really_makes_a_sandbox() {
    let place = Place::home();
    let tools = place.dir.path().join("tools");
    fs::create_dir(&tools).unwrap();
    // A bubblewrap that cannot make namespaces says so only when it is run for real.
    let path = programs(
        &tools,
        &[(
            "bwrap",
            "[ \"$1\" = --version ] && { echo bubblewrap 0.8.0; exit; }\necho 'No permissions to create new namespace' >&2; exit 1",
        )],
    );
    let (_, findings) = doctor(&place, &path, &[]);
    let (verdict, message) = finding(&findings, "sandbox");
    assert!(verdict == "fail" && message.contains("No permissions to create new namespace"), "{message}");
    let (_, findings) = doctor(&place, "/usr/local/bin:/usr/bin:/bin", &[]);
    assert_eq!(finding(&findings, "sandbox").0, "ok", "{findings:#?}");
    assert_eq!(finding(&findings, "tmux").0, "ok", "{findings:#?}");
}

#[test]
fn doctor_looks_after_the_home_and_its_port() {
    let place = Place::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    ended(&place.run(SWARM, &["init", place.home.to_str().unwrap(), "--listen", &address]), 0);
    let key = place.home.join("config/secrets/anthropic_api_key");
    fs::write(&key, "sk-ant-hidden").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(place.home.join("agents"), fs::Permissions::from_mode(0o777)).unwrap();
    let path = "/usr/local/bin:/usr/bin:/bin";
    let (code, findings) = doctor(&place, path, &[]);
    assert_eq!(code, 1);
    assert_eq!(finding(&findings, "port"), ("fail", format!("{address} is taken by another program").as_str()));
    assert_eq!(finding(&findings, "login").0, "fail");
    assert!(finding(&findings, "rights").1.ends_with("can be changed by others: its mode is 777"), "{findings:#?}");
    assert!(!format!("{findings:?}").contains("sk-ant-hidden"));

    drop(taken);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.home.join("agents"), fs::Permissions::from_mode(0o755)).unwrap();
    let (_, findings) = doctor(&place, path, &[]);
    for name in ["port", "login", "rights"] {
        assert_eq!(finding(&findings, name).0, "ok", "{findings:#?}");
    }
    fs::remove_file(&key).unwrap();
    assert_eq!(finding(&doctor(&place, path, &[]).1, "login").0, "fail");
    assert_eq!(finding(&doctor(&place, path, &[("CLAUDE_CODE_OAUTH_TOKEN", "hidden")]).1, "login").0, "ok");
}

#[test]
fn a_halt_without_a_daemon_says_what_a_person_can_do() {
    let place = Place::home();
    let output = place.at_home(&["halt"]);
    ended(&output, 3);
    assert!(err(&output).contains("no session of this home is left in tmux"), "{}", err(&output));
}
