//! A person's configuration of tmux: the swarm lives with it, and leaves it as it is.

use claude_swarm::runner::{Exit, Runner, State, wait_exit};

use super::stage::{Bench, GRACE, kill_and_wait, only};

#[tokio::test]
async fn scrollback_is_the_session_s_own_and_global_options_stay() {
    let (bench, runner) = Bench::with_runner();
    bench.start_mine();
    bench.tmux(&["set-option", "-g", "base-index", "1", ";", "set-option", "-g", "destroy-unattached", "off"]);
    let globals = || {
        ["-g", "-gw", "-s"]
            .map(|scope| bench.tmux(&["show-options", scope]))
            .into_iter()
            .chain([bench.tmux(&["show-hooks", "-g"])])
            .collect::<Vec<_>>()
    };
    let before = globals();
    let started = runner.start(&bench.idle()).await.unwrap();
    let limit = |target: &str| bench.tmux(&["display-message", "-p", "-t", target, "#{history_limit}"]);
    assert_eq!(limit(&started.pane.0), "1234");
    kill_and_wait(started.process).await;
    runner.respawn(&started.pane, &bench.idle()).await.unwrap();
    assert_eq!(limit(&started.pane.0), "1234");
    assert_eq!(limit("=mine:"), "2000");
    assert_eq!(globals(), before);
    assert_eq!(bench.tmux(&["show-options", "-wv", "-t", "=mine:", "remain-on-exit"]), "");
}

#[tokio::test]
async fn a_configuration_that_ends_unattached_sessions_does_not_end_ours() {
    let (bench, runner) = Bench::with_runner();
    bench.start_mine();
    bench.tmux(&["set-option", "-t", "=mine:", "destroy-unattached", "off"]);
    bench.tmux(&["set-option", "-g", "destroy-unattached", "on"]);
    let started = runner.start(&bench.idle()).await.unwrap();
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
    let second = runner.respawn(&first.pane, &bench.idle()).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(second.process));
    runner.stop(&second.pane, Some(second.process), GRACE).await.unwrap();
    assert_eq!(runner.list().await.unwrap(), []);
}

#[tokio::test]
async fn hooks_that_take_their_time_leave_a_complete_session() {
    let (bench, runner) = Bench::with_runner();
    bench.start_mine();
    for hook in ["after-new-session", "after-new-window", "after-set-option"] {
        bench.tmux(&["set-hook", "-g", hook, "run-shell 'echo noise; sleep 0.05'"]);
    }
    let started = runner.start(&bench.idle()).await.unwrap();
    assert_eq!(only(&runner).await.state, State::Running(started.process));
}
