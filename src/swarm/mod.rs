//! The operations: one file a noun, one function a verb. Each checks who asks, changes the store in one transaction, and records
//! what happened in the same transaction.
//!
//! Not here: SQL (`store`), the rules of what is legal (`domain`), sockets (`server`), processes (`worker`, `runner`).

mod accounts;
mod agents;
mod approvals;
mod claims;
mod endings;
mod evidence;
mod income;
mod judge;
mod leases;
mod messages;
mod prompt;
mod publications;
mod queries;
mod reports;
mod rules;
mod sessions;
mod status;
mod steps;
mod tasks;

use std::sync::Arc;

use tokio::sync::watch;

use crate::artifacts::Artifacts;
use crate::domain::error::Error;
use crate::domain::time::{Clock, Millis};
use crate::store::{Store, key};

pub use claims::{ClaimAnswer, Claimed, Wait};
pub use income::NewIncome;
pub use leases::Leases;
pub use publications::Publishing;
pub use queries::TaskDetail;
pub use rules::{PublishTerms, Rules};
pub use sessions::Setback;
pub use status::{AgentStatus, Status, Wanted};
pub use tasks::{CreateTask, Created};

// What operations answer with; other rooms see the store through these only.
pub use crate::store::{
    Account, AgentRow, ApprovalRow, ArtifactRow, AttemptRow, IncomeRow, MessageRow, ProductRow, PublicationRow, SessionRow,
    SpendRow, TaskFilter, TaskRow,
};

/// The operations of one home. Cheap to clone.
#[derive(Clone)]
pub struct Swarm {
    store: Store,
    artifacts: Artifacts,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
    leases: Leases,
}

impl Swarm {
    /// The operations over this store, with these rules and this clock.
    ///
    /// # Errors
    /// `Conflict` where a real home is opened as a rehearsal or the other way round; `Unavailable` where the store is.
    pub async fn open(store: Store, artifacts: Artifacts, rules: Rules, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let swarm = Self { store, artifacts, rules: Arc::new(rules), clock, leases: Leases::new() };
        swarm.settle_kind().await?;
        swarm.adopt_leases().await?;
        Ok(swarm)
    }

    /// A home is rehearsal or real for life: the first start writes down which.
    async fn settle_kind(&self) -> Result<(), Error> {
        let kind = if self.rules.rehearsal { "rehearsal" } else { "real" };
        let rules = Arc::clone(&self.rules);
        let now = self.now();
        self.store
            .write(move |tx| {
                tx.keep_pipeline(&rules.pipeline_hash, &rules.pipeline_body, now)?;
                match tx.text(key::KIND)? {
                    None => Ok(tx.set_text(key::KIND, kind)?),
                    Some(before) if before == kind => Ok(()),
                    Some(before) => {
                        Err(Error::conflict(format!("this home is {before} for life and cannot be opened as {kind}"))
                            .hint("`claude-swarm init DIR` makes another home"))
                    }
                }
            })
            .await
    }

    /// Every claim that was held gets a full term: while no daemon ran, nobody could renew.
    async fn adopt_leases(&self) -> Result<(), Error> {
        for task in self.store.read(|reader| Ok(reader.held_tasks()?)).await? {
            if let Some(claim) = task.life.state.claim() {
                self.leases.grant(claim.token, claim.agent.clone(), self.rules.lease);
            }
        }
        Ok(())
    }

    /// What this home goes by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The deadlines of the claims that are held.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The artifact store.
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Follows the sequence number of the newest event.
    pub fn follow(&self) -> watch::Receiver<i64> {
        self.store.follow()
    }

    /// The time of day by this home's clock.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// SQLite's own look at the database; what is found seals it.
    ///
    /// # Errors
    /// What is damaged, and the way out.
    pub async fn check_store(&self) -> Result<(), Error> {
        self.store.quick_check().await.inspect_err(|error| self.store.seal(error.to_string()))
    }
}
