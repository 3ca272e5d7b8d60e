//! Publishing: the daemon's own tasks, done from the approved snapshot, one at a time, without a model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::error::{Error, Kind};
use crate::domain::failure::FailureClass;
use crate::domain::principal::Principal;
use crate::domain::publication::PublicationState;
use crate::domain::report::{Fail, Progress};
use crate::domain::task::Token;
use crate::failpoint;
use crate::publish::{Outlet, Publication};
use crate::swarm::{Publishing, Swarm, TaskRow};

/// The pause after the store could not be read or written.
const AGAIN: Duration = Duration::from_secs(1);

/// The outlets that publications can go to, by the name that a person agrees to.
pub(super) type Outlets = BTreeMap<String, Arc<dyn Outlet>>;

/// Does the daemon's own tasks until `stop` says so.
pub(super) async fn run(swarm: Swarm, outlets: Outlets, mut stop: watch::Receiver<bool>) {
    let mut events = swarm.follow();
    loop {
        events.borrow_and_update();
        match swarm.claim_own(&Principal::System).await {
            Ok(Some((task, attempt))) => {
                if let Err(error) = publish(&swarm, &outlets, &task, attempt.token).await {
                    tracing::warn!(task.id = task.id, %error, "not published");
                    give_up(&swarm, attempt.token, &error).await;
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the daemon's own tasks cannot be claimed"),
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = events.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            // What was put back for a while is not told by an event when its time has come.
            () = due(&swarm) => {}
        }
    }
}

/// Waits until the first of the tasks that were put back may be claimed.
async fn due(swarm: &Swarm) {
    match swarm.next_due().await {
        Ok(Some(at)) => {
            let millis = u64::try_from(at.0 - swarm.now().0).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(millis.saturating_add(1))).await;
        }
        Ok(None) => std::future::pending().await,
        Err(error) => {
            tracing::warn!(%error, "when the next task is due cannot be read");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn publish(swarm: &Swarm, outlets: &Outlets, task: &TaskRow, token: Token) -> Result<(), Error> {
    let system = &Principal::System;
    let what = swarm.publishing(system, task).await?;
    swarm.started(system, token).await?;
    let before = what.publication.state;
    if let (PublicationState::Published, Some(url)) = (before, what.publication.url.clone()) {
        // It was published and its task was not told: the daemon died in between.
        return swarm.published(system, token, &what, &url).await.map(drop);
    }
    let name = &what.publication.outlet;
    let outlet = outlets.get(name).ok_or_else(|| Error::denied(format!("there is no outlet {name}")))?;
    swarm.sending(system, token, &what).await?;
    failpoint::reach("daemon.publication-sending");
    let url = put(swarm, Arc::clone(outlet), &what).await?;
    failpoint::reach("daemon.publication-put");
    swarm.published(system, token, &what, &url).await?;
    tracing::info!(product = what.product.slug, approval.id = what.approval.id, url, "published");
    Ok(())
}

async fn put(swarm: &Swarm, outlet: Arc<dyn Outlet>, what: &Publishing) -> Result<String, Error> {
    let publication = Publication {
        key: what.publication.key.clone(),
        kind: what.approval.kind.clone(),
        slug: what.product.slug.clone(),
        snapshot: what.approval.snapshot.clone().unwrap_or_default(),
        manifest: what.manifest.clone(),
        terms: what.approval.terms.clone(),
    };
    let artifacts = swarm.artifacts().clone();
    // What is there already under this key is found and not sent again.
    let sent = tokio::task::spawn_blocking(move || match outlet.find(&publication)? {
        Some(url) => Ok(url),
        None => outlet.put(&publication, &artifacts),
    });
    let sent = sent.await.map_err(std::io::Error::other).and_then(|sent| sent);
    sent.map_err(|error| Error::unavailable(format!("the outlet did not take it: {error}")))
}

/// Writes down that it was not published. Until that is written the task would be nobody's, so it is tried until it is.
async fn give_up(swarm: &Swarm, token: Token, error: &Error) {
    let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
    let class = FailureClass::Crashed;
    let failing = Fail { progress, class, detail: format!("not published: {error}"), resets_at: None };
    while let Err(error) = swarm.fail(&Principal::System, failing.clone()).await {
        if error.kind != Kind::Unavailable {
            tracing::error!(%error, "a failed publication could not be written down");
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
