//! Waiting until a task is over: by its events, not by asking again and again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::event::sentence;
use super::failure::{Done, Failure};
use super::progress::Progress;
use super::time::span;
use crate::client::{Follow, Operator, Seen};
use crate::domain::task::StateName;
use crate::protocol::tasks::TaskDetail;

/// How long a daemon may be away while a task is waited for.
const AWAY: Duration = Duration::from_secs(60);

/// Waits until the task is done, failed or cancelled.
///
/// Fails when `within` is over first, and when the daemon stays away for longer than a minute.
pub(crate) async fn until_over(operator: &Operator, id: i64, within: Option<Duration>, progress: &Progress) -> Done<TaskDetail> {
    let deadline = within.and_then(|within| Instant::now().checked_add(within));
    // Followed before the task is looked at, so that nothing falls between the two.
    let mut follow = Follow::start(operator, None, Some(AWAY)).await?;
    let mut task = look(operator, id, deadline).await?;
    loop {
        if task.task.state.is_over() {
            return Ok(task);
        }
        progress.say(&told(&task));
        loop {
            let seen = match deadline {
                Some(deadline) => match timeout_at(deadline, follow.next()).await {
                    Ok(seen) => seen?,
                    Err(_) => return Err(too_late(&task, within.unwrap_or_default())),
                },
                None => follow.next().await?,
            };
            match seen {
                Seen::Event(event) if event.task == Some(id) => {
                    progress.say(&sentence(&event));
                    break;
                }
                Seen::Event(_) => {}
                Seen::Gone => progress.say("the daemon is away; waiting for it"),
                Seen::Back => break,
            }
        }
        task = look(operator, id, deadline).await?;
    }
}

/// Looks at the task; a daemon that is just stopping is asked again a little later.
async fn look(operator: &Operator, id: i64, deadline: Option<Instant>) -> Done<TaskDetail> {
    let give_up = Instant::now() + Duration::from_secs(5);
    loop {
        match operator.task(id).await {
            Ok(task) => return Ok(task),
            Err(error) => {
                let failure = Failure::from(error);
                let passing = matches!(failure.code(), 1 | 3);
                let next = Instant::now() + Duration::from_millis(200);
                if !passing || next > give_up || deadline.is_some_and(|deadline| next > deadline) {
                    return Err(failure);
                }
                sleep_until(next).await;
            }
        }
    }
}

fn told(task: &TaskDetail) -> String {
    let holder = task.task.claim.as_ref().map(|claim| format!(" at {}", claim.agent)).unwrap_or_default();
    let stuck = task.stuck.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("task {} ({}) is {}{holder}{stuck}", task.task.id, task.task.kind, task.task.state)
}

fn too_late(task: &TaskDetail, within: Duration) -> Failure {
    let waited = span(i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
    Failure::failed_with(
        format!("timed out after {waited}: {}", told(task)),
        format!("nothing was changed; wait on with `claude-tasks wait {}`, or look with `claude-tasks show`", task.task.id),
    )
}

/// Why a task that is over is not done; none for one that is.
pub(crate) fn failure(task: &TaskDetail) -> Option<Failure> {
    if task.task.state == StateName::Done {
        return None;
    }
    let why = task.task.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let id = task.task.id;
    Some(Failure::failed_with(
        format!("task {id} ({}) {}{why}", task.task.kind, task.task.state),
        format!("`claude-tasks show {id}` tells what happened, `claude-tasks retry {id}` starts it again"),
    ))
}
