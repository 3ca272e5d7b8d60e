//! `claude-swarm status`.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, timeout_at};

use super::overview::overview;
use crate::cli::context::Context;
use crate::cli::failure::{Done, Failure};
use crate::client::{Follow, Operator, Seen};

/// Shown anew at least this often: times go on even where nothing happens.
const REFRESH: Duration = Duration::from_secs(10);

/// What happens within this time is shown together.
const TOGETHER: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Show it again whenever something happens
    #[arg(short, long)]
    watch: bool,
}

impl Status {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        if !self.watch {
            return show(context, &operator, false).await;
        }
        let mut follow = Follow::start(&operator, None, None).await?;
        loop {
            match show(context, &operator, true).await {
                // The daemon is just going away; that is seen below.
                Err(Failure::NotRunning(_) | Failure::Refused(_)) => {}
                shown => shown?,
            }
            let mut until = Instant::now() + REFRESH;
            // The first thing that happens shortens the wait; then what happens with it is taken together.
            while let Ok(seen) = timeout_at(until, follow.next()).await {
                if seen? == Seen::Gone {
                    context.terminal.note("the daemon is away; waiting for it");
                    while follow.next().await? != Seen::Back {}
                }
                until = until.min(Instant::now() + TOGETHER);
            }
        }
    }
}

async fn show(context: &Context, operator: &Operator, again: bool) -> Done {
    let status = operator.status().await?;
    if context.terminal.json {
        return if again { context.terminal.say_json_line(&status) } else { context.terminal.say_json(&status) };
    }
    let page = overview(&context.terminal, &status, crate::clock::now());
    // Cursor home, then clear: the page stands still instead of scrolling.
    let before = if again && context.terminal.interactive { "\u{1b}[H\u{1b}[2J" } else { "" };
    let after = if again && !context.terminal.interactive { "\n" } else { "" };
    context.terminal.say(format!("{before}{page}\n{after}"))
}
