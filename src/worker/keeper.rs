//! The keeper: renews a claim as long as its attempt lives, and knows when it is over.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::link::Link;
use crate::domain::task::Token;
use crate::protocol::rpc::{Call, Renewed};

/// Renews the claim until it is dropped.
pub(super) struct Keeper {
    renewing: JoinHandle<()>,
    over: watch::Receiver<Option<String>>,
}

impl Keeper {
    pub(super) fn start(link: Link, token: Token, lease: Duration) -> Self {
        let (say, over) = watch::channel(None);
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                match link.call::<Renewed>(Call::Renew { token }).await {
                    Ok(Renewed { live: true }) => {}
                    Ok(Renewed { live: false }) => break drop(say.send(Some("the claim is over".to_owned()))),
                    Err(error) => break drop(say.send(Some(error.to_string()))),
                }
            }
        });
        Self { renewing, over }
    }

    /// Waits until the claim is over, and says why.
    pub(super) async fn over(&mut self) -> String {
        match self.over.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
