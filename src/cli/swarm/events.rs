//! `claude-swarm events`.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::event;
use crate::cli::failure::Done;
use crate::client::{Follow, Operator, Seen};
use crate::domain::event::Event;

/// Events of a page.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct Events {
    /// Go on with what happens from now on, across restarts of the daemon
    #[arg(short, long)]
    follow: bool,
    /// Begin after this event; otherwise with the newest ones
    #[arg(long, value_name = "N")]
    after: Option<i64>,
    /// How many of the newest to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, conflicts_with = "after", value_parser = clap::value_parser!(u32).range(1..=500))]
    lines: u32,
}

impl Events {
    pub async fn run(self, context: &Context) -> Done {
        let operator = context.operator()?;
        let last = match self.after {
            Some(after) if self.follow => after,
            Some(after) => return pages(context, &operator, after).await,
            None => {
                let events = operator.events(None, self.lines).await?;
                events.iter().try_for_each(|event| say(context, event))?;
                events.last().map_or(0, |event| event.seq)
            }
        };
        if !self.follow {
            return Ok(());
        }
        let mut follow = Follow::start(&operator, Some(last), None).await?;
        loop {
            match follow.next().await? {
                Seen::Event(event) => say(context, &event)?,
                Seen::Gone => context.terminal.note("the daemon is away; waiting for it"),
                Seen::Back => context.terminal.note("the daemon is back"),
            }
        }
    }
}

async fn pages(context: &Context, operator: &Operator, mut after: i64) -> Done {
    loop {
        let events = operator.events(Some(after), PAGE).await?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.seq;
        events.iter().try_for_each(|event| say(context, event))?;
    }
}

fn say(context: &Context, event: &Event) -> Done {
    if context.terminal.json { context.terminal.say_json_line(event) } else { context.terminal.say(event::line(event)) }
}
