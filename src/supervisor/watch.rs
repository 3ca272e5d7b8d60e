//! Exits: one future for each process that is known, so that a death is seen when it happens.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::runner::{ProcessIdentity, Runner};

/// The processes that are watched.
pub(super) struct Exits {
    watched: HashMap<ProcessIdentity, JoinHandle<()>>,
    tell: mpsc::Sender<ProcessIdentity>,
    told: mpsc::Receiver<ProcessIdentity>,
}

impl Exits {
    pub(super) fn new() -> Self {
        let (tell, told) = mpsc::channel(256);
        Self { watched: HashMap::new(), tell, told }
    }

    /// Watches exactly these.
    pub(super) fn watch(&mut self, runner: &dyn Runner, processes: &[ProcessIdentity]) {
        self.watched.retain(|process, watching| {
            let keep = processes.contains(process);
            if !keep {
                watching.abort();
            }
            keep
        });
        for process in processes {
            self.watched.entry(*process).or_insert_with(|| {
                let (exited, tell, process) = (runner.exited(*process), self.tell.clone(), *process);
                tokio::spawn(async move {
                    if let Err(error) = exited.await {
                        tracing::warn!(pid = process.pid, %error, "the exit cannot be watched; the slow timer will see it");
                        return;
                    }
                    // The supervisor is gone where nobody listens.
                    let _ = tell.send(process).await;
                })
            });
        }
    }

    /// Waits for the next exit.
    pub(super) async fn next(&mut self) {
        // The sender is kept here, so that this never ends.
        self.told.recv().await;
    }
}
