//! Publications: the daemon asks what to send, says that it begins, and what became of it.

use super::Swarm;
use super::judge::Finish;
use super::reports::Ended;
use crate::domain::approval::{ApprovalState, binding};
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::error::Error;
use crate::domain::event::NewEvent;
use crate::domain::principal::Principal;
use crate::domain::product::ProductState;
use crate::domain::publication::PublicationState;
use crate::domain::snapshot::Manifest;
use crate::domain::task::Token;
use crate::failpoint;
use crate::store::{ApprovalRow, ProductRow, PublicationRow, TaskRow};

/// Everything that is needed to publish, all of it from what a person approved.
#[derive(Debug, Clone)]
pub struct Publishing {
    /// The intent.
    pub publication: PublicationRow,
    /// The decision that allows it.
    pub approval: ApprovalRow,
    /// The product.
    pub product: ProductRow,
    /// The files that were approved.
    pub manifest: Manifest,
}

impl Swarm {
    /// What a publish task is to send. Proves the decision once more: approved, by a person, and still the same bytes and terms.
    ///
    /// # Errors
    /// `Denied` where there is no such decision.
    pub async fn publishing(&self, task: &TaskRow) -> Result<Publishing, Error> {
        let id = task.payload.get("approval").and_then(serde_json::Value::as_i64).unwrap_or_default();
        let product = task.product;
        self.store
            .read(move |reader| {
                let denied = |why: &str| Error::denied(format!("approval {id} does not allow this publication: {why}"));
                let approval = reader.approval(id)?.ok_or_else(|| denied("it does not exist"))?;
                if approval.state != ApprovalState::Approved {
                    return Err(denied("it is not approved"));
                }
                if Some(approval.product) != product {
                    return Err(denied("it is about another product"));
                }
                if approval.binding != binding(&approval.kind, approval.snapshot.as_deref(), &approval.terms) {
                    return Err(denied("its snapshot or terms were changed"));
                }
                let publication = reader.publication_of(id)?.ok_or_else(|| denied("no intent was written down"))?;
                let product = reader.product(approval.product)?.ok_or_else(|| denied("its product is gone"))?;
                let snapshot = approval.snapshot.clone().ok_or_else(|| denied("it has no snapshot"))?;
                let manifest = reader.snapshot(&snapshot)?.ok_or_else(|| denied("its snapshot is not kept"))?;
                if manifest.hash() != snapshot {
                    return Err(denied("its manifest was changed"));
                }
                Ok(Publishing { publication, approval, product, manifest })
            })
            .await
    }

    /// Writes down that sending begins. From here on the outlet is asked before anything is sent again.
    ///
    /// # Errors
    /// `Conflict` where it was published already.
    pub async fn sending(&self, publication: i64, approval: i64) -> Result<(), Error> {
        let now = self.now();
        self.store
            .write(move |tx| {
                let row = tx.publication_of(approval)?.ok_or_else(|| Error::not_found("there is no such publication"))?;
                if row.state == PublicationState::Published {
                    return Err(Error::conflict(format!("approval {approval} was published already")));
                }
                Ok(tx.set_publication(publication, PublicationState::Sending, None, None, now)?)
            })
            .await
    }

    /// Writes down that it is on the outlet, and ends its task.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn published(&self, token: Token, what: &Publishing, url: &str) -> Result<Ended, Error> {
        let (id, approval, product, kind) = (what.publication.id, what.approval.id, what.product.id, what.approval.kind.clone());
        let (link, now) = (url.to_owned(), self.now());
        self.store
            .write(move |tx| {
                let before = tx.publication_of(approval)?.map(|row| row.state);
                tx.set_publication(id, PublicationState::Published, Some(&link), None, now)?;
                if before != Some(PublicationState::Published) {
                    if kind == "publish" {
                        tx.set_product_state(product, ProductState::Published, None, now)?;
                    }
                    let data = serde_json::json!({ "url": link, "kind": kind });
                    let event =
                        NewEvent::new("publication:published", Principal::System).product(Some(product)).approval(approval);
                    tx.record(now, &event.data(data))?;
                }
                Ok(())
            })
            .await?;
        failpoint::reach("daemon.publication-recorded");
        let result = serde_json::json!({ "url": url });
        let finish =
            Finish { token, report: 1, result, manifest: None, checks: vec![], usage: Usage::default(), cost: MicroUsd(0) };
        self.finish(&Principal::System, finish).await
    }
}
