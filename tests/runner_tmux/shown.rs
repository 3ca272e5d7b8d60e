//! What people are shown: the status line, and captures of the screen.

use claude_swarm::runner::{Exit, PaneId, Runner, RunnerError, State, wait_exit};

use super::stage::{Bench, only};

#[tokio::test]
async fn the_status_line_shows_the_text_as_it_is() {
    let (bench, runner) = Bench::with_runner();
    let mut session = bench.idle();
    session.status_left = "REHEARSAL #S #(id) %H #[fg=red] hunter".into();
    let started = runner.start(&session).await.unwrap();
    let shown = bench.tmux(&["display-message", "-p", "-t", &started.pane.0, "#{T:status-left}"]);
    // `##[` is kept for the next step, which draws it as `#[`.
    assert_eq!(shown, "[REHEARSAL #S #(id) %H ##[fg=red] hunter]");
}

#[tokio::test]
async fn a_capture_is_what_is_shown_with_or_without_colours() {
    let (bench, runner) = Bench::with_runner();
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
