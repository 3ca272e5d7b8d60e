//! What `doctor` finds: of programs, of the sandbox, of the home.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::place::Place;
use crate::output::{SWARM, ended};

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
