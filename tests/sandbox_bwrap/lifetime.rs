//! When a sandbox ends: with its starter, wholly, and provably.

use std::process::{Command, Stdio};
use std::time::Duration;

use claude_swarm::sandbox::Profile;

use super::stage::{Running, Stage, held, wait_free};

/// A process that leaves its session and its parents, ignores what can be ignored, and holds a lock of its own.
const STUBBORN: &str = "exec 8>>/workspace/stubborn; \
     setsid sh -c 'trap \"\" HUP TERM INT QUIT; (trap \"\" HUP TERM INT QUIT; flock -x 8; echo up; sleep 1000 & wait; sleep 1000) & ' & \
     sleep 1000";

#[test]
fn a_kill_of_bubblewrap_ends_everything_and_frees_the_lock() {
    let stage = Stage::new(Profile::Cli);
    let mut running = Running::start(stage.locked(STUBBORN));
    assert_eq!(running.line(), "up");
    assert!(held(&stage.lock()) && held(&stage.tree().join("stubborn")));

    running.child.kill().unwrap();
    let took = wait_free(&stage.lock());
    assert!(took < Duration::from_secs(2), "the lock took {took:?}");
    let longer = wait_free(&stage.tree().join("stubborn"));
    assert!(longer < Duration::from_secs(2), "the stubborn child lived {longer:?} longer than the lock");
    running.child.wait().unwrap();
}

#[test]
fn a_kill_of_the_process_that_started_it_ends_everything_too() {
    let stage = Stage::new(Profile::Cli);
    let inner = stage.locked(STUBBORN);
    // A shell in the worker's place: it starts the sandbox, says its own pid, and waits.
    let mut worker = Command::new("/bin/sh");
    worker.args(["-c", "\"$@\" & wait", "sh"]).arg(inner.get_program()).args(inner.get_args());
    worker.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let mut running = Running::start(worker);
    assert_eq!(running.line(), "up");
    assert!(held(&stage.lock()));

    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(wait_free(&stage.lock()) < Duration::from_secs(2));
    assert!(wait_free(&stage.tree().join("stubborn")) < Duration::from_secs(2));
    assert_eq!(running.rest(), "", "nobody is left who could print");
}

#[test]
fn when_the_command_ends_what_it_left_behind_ends_with_it() {
    let stage = Stage::new(Profile::Check);
    let leaves = STUBBORN.replace("& sleep 1000", "& read line < /workspace/go");
    Command::new("mkfifo").arg(stage.tree().join("go")).status().unwrap();
    let mut running = Running::start(stage.locked(&leaves));
    assert_eq!(running.line(), "up");
    std::fs::write(stage.tree().join("go"), "go\n").unwrap();
    assert!(running.child.wait().unwrap().success());
    assert!(wait_free(&stage.lock()) < Duration::from_secs(2));
    assert!(wait_free(&stage.tree().join("stubborn")) < Duration::from_secs(2));
}

#[test]
fn the_exit_code_is_the_commands_own() {
    let stage = Stage::new(Profile::Check);
    assert_eq!(stage.command("exit 3").status().unwrap().code(), Some(3));
    assert_eq!(stage.command("kill -9 $$").status().unwrap().code(), Some(137));
}
