//! The end of a process: it is seen at once, how it ended is known, and its pane can go on with another.
//!
//! Not here: ends that the swarm brings about (`stopping`).

use std::process::Stdio;
use std::time::{Duration, Instant};

use claude_swarm::runner::{Exit, Runner, RunnerError, State, wait_exit};
use tokio::time::timeout;

use super::stage::{Bench, kill, kill_and_wait, only};

#[tokio::test]
async fn an_exit_is_seen_at_once_and_its_status_remains() {
    let (bench, runner) = Bench::with_runner();
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
    let (bench, runner) = Bench::with_runner();
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
    let (bench, runner) = Bench::with_runner();
    let session = bench.idle();
    let mut started = runner.start(&session).await.unwrap();
    for _ in 0..100 {
        kill_and_wait(started.process).await;
        assert_eq!(only(&runner).await.state, State::Exited(Exit::Signal(9)));
        started = runner.respawn(&started.pane, &session).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_closed_its_terminal_still_runs() {
    let (bench, runner) = Bench::with_runner();
    let started = bench.ready(&runner, "trap '' HUP; exec 0<&- 1>&- 2>&-; echo > $1/ready; read line < $1/go").await;
    bench.wait_for_format(&started.pane, "#{pane_dead}", "1").await;
    assert_eq!(only(&runner).await.state, State::Running(started.process));
    let refused = runner.respawn(&started.pane, &bench.script("true")).await;
    assert!(matches!(refused, Err(RunnerError::StillRunning { process, .. }) if process == started.process));
}

#[tokio::test]
async fn a_respawn_keeps_the_pane_and_who_looks_at_it() {
    let (bench, runner) = Bench::with_runner();
    let first = bench.ready(&runner, "echo > $1/ready; read line < $1/go").await;
    let mut person = bench.command();
    let mut person =
        person.args(["-C", "attach", "-t", "=claude-hunter:"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    bench.wait_for_format(&first.pane, "#{session_attached}", "1").await;
    let client = bench.tmux(&["list-clients", "-F", "#{client_pid} #{session_name}"]);

    let mut next = bench.idle();
    next.labels.session = 43;
    let refused = runner.respawn(&first.pane, &next).await;
    assert!(matches!(refused, Err(RunnerError::StillRunning { process, .. }) if process == first.process));
    kill_and_wait(first.process).await;
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
