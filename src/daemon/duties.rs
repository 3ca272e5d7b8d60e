//! What the daemon does all the time it lives. None of it may end before the daemon does: a daemon that answers and supervises nothing
//! looks alive and is not.

use std::collections::HashMap;
use std::future::Future;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use crate::domain::error::Error;

/// The daemon's duties, each by its name.
pub(super) struct Duties {
    running: JoinSet<Result<(), Error>>,
    names: HashMap<Id, &'static str>,
    stopping: watch::Receiver<bool>,
}

impl Duties {
    /// None yet. `stopping` says when they may end.
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { running: JoinSet::new(), names: HashMap::new(), stopping }
    }

    /// Takes up what goes on until the daemon stops.
    pub(super) fn endless(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.take_up(name, async move {
            work.await;
            if *stopping.borrow() { Ok(()) } else { Err(fault(name, "ended")) }
        });
    }

    /// Takes up what may be done before the daemon stops, and must not fail.
    pub(super) fn take_up(&mut self, name: &'static str, work: impl Future<Output = Result<(), Error>> + Send + 'static) {
        let id = self.running.spawn(work).id();
        self.names.insert(id, name);
    }

    /// Waits for the first that fails. While all is well this never resolves.
    pub(super) async fn failed(&mut self) -> Error {
        while let Some(ended) = self.running.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(broke) => return self.broken(&broke),
            }
        }
        std::future::pending().await
    }

    /// Waits until all have ended.
    pub(super) async fn ended(mut self) {
        while let Some(ended) = self.running.join_next().await {
            let error = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(broke) => self.broken(&broke),
            };
            tracing::error!(%error, "while stopping");
        }
    }

    fn broken(&self, broke: &JoinError) -> Error {
        fault(self.names.get(&broke.id()).copied().unwrap_or("a duty"), "broke down")
    }
}

fn fault(name: &str, what: &str) -> Error {
    Error::unavailable(format!("{name} {what}, and a daemon without it is none"))
        .hint("this is a fault of the daemon: its log says more; agents live on, and `claude-swarm start` starts another daemon")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_that_fails_is_named_and_what_is_done_is_not_missed() {
        let (_stop, stopping) = watch::channel(false);
        let mut duties = Duties::new(stopping);
        duties.endless("the supervisor", std::future::pending());
        duties.take_up("the first look", async { Ok(()) });
        duties.endless("the publisher", async { panic!("as a fault would") });
        assert!(duties.failed().await.message.starts_with("the publisher broke down"));
    }

    #[tokio::test]
    async fn what_goes_on_for_ever_may_end_only_with_the_daemon() {
        let (stop, stopping) = watch::channel(false);
        let mut duties = Duties::new(stopping.clone());
        duties.endless("the hub", async {});
        assert!(duties.failed().await.message.starts_with("the hub ended"));
        let mut duties = Duties::new(stopping);
        stop.send_replace(true);
        duties.endless("the hub", async {});
        duties.ended().await;
    }
}
