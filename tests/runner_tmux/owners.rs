//! Whose a session is: a person's and another home's are left as they are, and the swarm's own is known wherever it was moved.

use std::collections::BTreeMap;

use claude_swarm::runner::{Holder, PaneId, Runner, RunnerError, State};

use super::stage::{Bench, GRACE, only};

#[tokio::test]
async fn a_person_s_session_of_the_name_is_left_untouched() {
    let (bench, runner) = Bench::with_runner();
    let look = ["list-panes", "-a", "-F", "#{session_name} #{pane_id} #{pane_pid} #{pane_dead} #{window_name} #{remain-on-exit}"];
    bench.tmux(&["new-session", "-d", "-s", "claude-hunter", "-n", "mine", "sleep", "1000"]);
    let before = (bench.tmux(&look), bench.tmux(&["show-options", "-t", "=claude-hunter:"]));
    let refused = runner.start(&bench.idle()).await.unwrap_err();
    assert!(matches!(&refused, RunnerError::NameTaken { name, holder: Holder::Person } if name == "claude-hunter"));
    assert!(refused.to_string().contains("not the swarm's"), "{refused}");
    assert_eq!(runner.list().await.unwrap(), []);
    let pane = PaneId(bench.tmux(&["display-message", "-p", "-t", "=claude-hunter:", "#{pane_id}"]));
    assert!(matches!(runner.stop(&pane, None, GRACE).await, Ok(())), "what is not there needs no stopping");
    let session = bench.idle();
    assert!(matches!(runner.respawn(&pane, &session).await, Err(RunnerError::NotFound(_))));
    assert!(matches!(runner.capture(&pane, false).await, Err(RunnerError::NotFound(_))));
    assert_eq!((bench.tmux(&look), bench.tmux(&["show-options", "-t", "=claude-hunter:"])), before);
}

#[tokio::test]
async fn another_home_s_session_is_neither_seen_nor_touched() {
    let bench = Bench::new();
    let (runner, other) = (bench.runner(), bench.runner_of("home-2"));
    let theirs = other.start(&bench.idle()).await.unwrap();
    let refused = runner.start(&bench.idle()).await.unwrap_err();
    assert!(matches!(refused, RunnerError::NameTaken { holder: Holder::OtherHome(home), .. } if home == "home-2"));
    assert_eq!(runner.list().await.unwrap(), []);
    runner.stop(&theirs.pane, None, GRACE).await.unwrap();
    assert!(matches!(runner.capture(&theirs.pane, false).await, Err(RunnerError::NotFound(_))));
    assert_eq!(only(&other).await.state, State::Running(theirs.process));
}

#[tokio::test]
async fn names_that_begin_alike_are_not_confused() {
    let (bench, runner) = Bench::with_runner();
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
async fn a_person_s_pane_in_our_session_is_neither_listed_nor_ended() {
    let (bench, runner) = Bench::with_runner();
    let session = bench.idle();
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
    let (bench, runner) = Bench::with_runner();
    let started = runner.start(&bench.idle()).await.unwrap();
    bench.tmux(&["new-session", "-d", "-s", "a-view", "-t", "=claude-hunter"]);
    assert_eq!(only(&runner).await.name, "claude-hunter");
    bench.start_mine();
    bench.tmux(&["join-pane", "-d", "-s", &started.pane.0, "-t", "=mine:"]);
    assert_eq!(only(&runner).await.name, "mine");
    runner.stop(&started.pane, Some(started.process), GRACE).await.unwrap();
    assert_eq!(bench.tmux(&["list-panes", "-a", "-F", "#{session_name}"]), "mine", "the person's own pane stays");
}
