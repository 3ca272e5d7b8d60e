//! Stopping: everything that belongs to a session ends, and what has taken its place in the meantime does not.

use std::process::Command;
use std::time::{Duration, Instant};

use claude_swarm::runner::{
    Ended, ProcessIdentity, Runner, RunnerError, State, TmuxRunner, TmuxServer, end, is_alive, wait_exit,
};
use tokio::time::timeout;

use super::stage::{Bench, GRACE, HOME, kill, kill_and_wait, only};

#[tokio::test]
async fn stop_ends_children_that_ignore_hangup_and_have_sessions_of_their_own() {
    let (bench, runner) = Bench::with_runner();
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
    let (bench, runner) = Bench::with_runner();
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
async fn another_process_in_the_pane_is_not_stopped() {
    let (bench, runner) = Bench::with_runner();
    let session = bench.idle();
    let first = runner.start(&session).await.unwrap();
    kill_and_wait(first.process).await;
    let second = runner.respawn(&first.pane, &session).await.unwrap();
    let refused = runner.stop(&first.pane, Some(first.process), GRACE).await;
    assert!(matches!(refused, Err(RunnerError::Changed(_))));
    assert_eq!(only(&runner).await.state, State::Running(second.process));
}

/// Between the runner's look and its act, a tmux of the test's own in the PATH lets something else happen.
#[tokio::test]
async fn a_pane_that_changes_between_look_and_act_is_left_alone() {
    let (bench, runner) = Bench::with_runner();
    let session = bench.idle();
    let started = runner.start(&session).await.unwrap();
    kill_and_wait(started.process).await;
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
    kill_and_wait(theirs).await;
    let refused = late.stop(&started.pane, Some(theirs), GRACE).await;
    assert!(matches!(refused, Err(RunnerError::Changed(_))), "{refused:?}");
    assert!(matches!(only(&runner).await.state, State::Running(_)));
}
