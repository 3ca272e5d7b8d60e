//! Waiting until the swarm is as it was asked to be.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::failure::Done;
use crate::client::{Follow, Operator};
use crate::protocol::status::{AgentView, StatusView};

/// Looked at this often even where nothing was heard. What is waited for here (agents that come up or end) are events, so this is only
/// for what nobody thought of.
const LOOK: Duration = Duration::from_secs(10);

/// How the waiting ended.
pub(crate) enum Settled {
    /// As it was to be.
    Yes(StatusView),
    /// Not within the time; this is how it was at the end.
    Late(StatusView),
}

/// Looks at the swarm whenever something happens, until it is as `done` says or the time is over. A daemon that goes away meanwhile is not
/// waited for: nobody else would start it again.
pub(crate) async fn settle(operator: &Operator, within: Duration, mut done: impl FnMut(&StatusView) -> bool) -> Done<Settled> {
    let deadline = Instant::now() + within;
    let mut follow = Follow::start(operator, None, Some(within)).await?;
    loop {
        let status = operator.status().await?;
        if done(&status) {
            return Ok(Settled::Yes(status));
        }
        if Instant::now() >= deadline {
            return Ok(Settled::Late(status));
        }
        let next = deadline.min(Instant::now() + LOOK);
        if let Ok(seen) = timeout_at(next, follow.next()).await {
            seen?;
        }
    }
}

/// The agents of these names; all of them where none is named.
pub(crate) fn named<'a>(status: &'a StatusView, names: &'a [String]) -> impl Iterator<Item = &'a AgentView> {
    status.agents.iter().filter(move |agent| names.is_empty() || names.contains(&agent.name))
}
