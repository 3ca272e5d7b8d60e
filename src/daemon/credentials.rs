//! Logins and programs: when one that was missing appears, the account is opened again without anybody having to say so.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::host::DaemonHost;
use crate::domain::principal::Principal;
use crate::server::{Host, Means};
use crate::swarm::Swarm;

/// How often a missing login is looked for. A login appears in a file or by another program; nothing tells of it.
const LOOK: Duration = Duration::from_secs(5);

/// Looks for logins that are missing, until `stop` says so. What was found once and refused by the provider is not tried again: only a
/// login that differs from the refused one is.
pub(super) async fn watch(swarm: Swarm, host: Arc<DaemonHost>, mut stop: watch::Receiver<bool>) {
    // A login may have been made while no daemon ran: what is there now is tried once.
    for account in waiting(&swarm).await {
        if host.means(&account).is_ok()
            && let Err(error) = swarm.open_account(&Principal::System, &account).await
        {
            tracing::warn!(%error, "the account could not be opened");
        }
    }
    let mut events = swarm.follow();
    let mut refused: Option<Option<String>> = None;
    loop {
        events.borrow_and_update();
        let accounts = waiting(&swarm).await;
        for account in &accounts {
            let now = host.means(account).ok().map(|means| fingerprint(&means));
            let seen = refused.get_or_insert_with(|| now.clone());
            if now.is_some() && now != *seen {
                *seen = now;
                if let Err(error) = swarm.open_account(&Principal::System, account).await {
                    tracing::warn!(%error, "the account could not be opened");
                }
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = events.changed(), if accounts.is_empty() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(LOOK), if !accounts.is_empty() => {}
        }
    }
}

/// What tells one login from another without telling what it is.
fn fingerprint(means: &Means) -> String {
    hex::encode(Sha256::digest(means.credential.expose().as_bytes()))
}

/// The accounts that wait for a login.
async fn waiting(swarm: &Swarm) -> Vec<String> {
    swarm.accounts_without_login().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the accounts cannot be read");
        vec![]
    })
}
