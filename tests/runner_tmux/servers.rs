//! Servers that die, hang, leave with their last session, or come back as others.

use std::time::{Duration, Instant};

use claude_swarm::runner::{Runner, RunnerError, State, is_alive, wait_exit};

use super::stage::{Bench, GRACE, kill, kill_and_wait, only};

#[tokio::test]
async fn after_the_server_was_killed_the_list_is_empty_and_start_works() {
    let (bench, runner) = Bench::with_runner();
    let first = bench.ready(&runner, "trap '' HUP; echo > $1/ready; while :; do sleep 1; done").await;
    kill_and_wait(bench.server()).await;
    assert_eq!(runner.list().await.unwrap(), []);
    assert!(runner.is_alive(first.process), "it ignores the hangup and must be known to live on");
    runner.stop(&first.pane, Some(first.process), GRACE).await.unwrap();
    assert!(!runner.is_alive(first.process));
    let second = runner.start(&bench.idle()).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(second.process));
}

#[tokio::test]
async fn a_later_server_s_pane_of_the_same_id_is_left_alone() {
    let (bench, runner) = Bench::with_runner();
    let first = runner.start(&bench.idle()).await.unwrap();
    let server = bench.server();
    bench.tmux(&["kill-server"]);
    wait_exit(first.process).await.unwrap();
    wait_exit(server).await.unwrap();
    bench.start_mine();
    for _ in 0..2 {
        bench.tmux(&["split-window", "-t", "=mine:", "sleep", "1000"]);
    }
    let panes = bench.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]);
    assert!(panes.lines().any(|pane| pane == first.pane.0), "{panes}");
    runner.stop(&first.pane, Some(first.process), GRACE).await.unwrap();
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]), panes);
}

#[tokio::test]
async fn a_start_right_after_the_last_session_ended_finds_a_new_server() {
    let (bench, runner) = Bench::with_runner();
    let session = bench.idle();
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
async fn a_server_that_hangs_times_out_and_its_process_can_be_ended() {
    let (bench, runner) = Bench::with_runner();
    let started = runner.start(&bench.idle()).await.unwrap();
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
