//! Publications: the daemon asks what to send, says that it begins, and what became of it.

use super::Swarm;
use super::endings;
use super::reports::held;
use crate::domain::approval::{ApprovalId, ApprovalState};
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::pipeline::words::{APPROVAL, PUBLISH, URL};
use crate::domain::principal::Principal;
use crate::domain::product::ProductState;
use crate::domain::publication::PublicationState;
use crate::domain::report::{Complete, Ended, Progress};
use crate::domain::snapshot::Manifest;
use crate::domain::task::Token;
use crate::domain::text;
use crate::domain::time::Millis;
use crate::failpoint;
use crate::store::{ApprovalRow, ProductRow, PublicationRow, Reader, TaskRow, Tx};

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
    /// `Denied` where there is no such decision, and for anyone but the daemon.
    pub async fn publishing(&self, who: &Principal, task: &TaskRow) -> Result<Publishing, Error> {
        who.must_be_system("publish")?;
        let (task, rehearsal) = (task.clone(), self.rules.rehearsal);
        self.store.read(move |reader| prove(reader, &task, rehearsal)).await
    }

    /// Writes down that sending begins: from here on the outlet is asked before anything is sent again. Proves once more, under the live
    /// claim, that what is about to be sent is what may be.
    ///
    /// # Errors
    /// `Denied` where it may not, and for anyone but the daemon; `Conflict` for a stale token (the task was cancelled), and where it was published already.
    pub async fn sending(&self, who: &Principal, token: Token, what: &Publishing) -> Result<(), Error> {
        who.must_be_system("publish")?;
        let (now, rehearsal) = (self.now(), self.rules.rehearsal);
        let (key, binding) = (what.publication.key.clone(), what.approval.binding.clone());
        self.store
            .write(move |tx| {
                let (task, _) = held(tx, &Principal::System, token)?;
                let Publishing { publication, approval, product, .. } = prove(tx, &task, rehearsal)?;
                if (&publication.key, &approval.binding) != (&key, &binding) {
                    return Err(Error::denied(format!(
                        "approval {} does not allow this publication: it is another one",
                        approval.id
                    )));
                }
                if publication.state == PublicationState::Published {
                    return Err(Error::conflict(format!("approval {} was published already", approval.id)));
                }
                tx.set_publication(publication.id, PublicationState::Sending, None, None, now)?;
                let data = serde_json::json!({ "outlet": publication.outlet, "kind": approval.kind });
                let event = NewEvent::new(EventKind::PublicationSending, Principal::System)
                    .product(Some(product.id))
                    .approval(approval.id);
                tx.record(now, &event.task(task.id).data(data))?;
                Ok(())
            })
            .await
    }

    /// Writes down that it is on the outlet, and ends its task.
    ///
    /// # Errors
    /// `Conflict` for a stale token; `Denied` for anyone but the daemon.
    pub async fn published(&self, who: &Principal, token: Token, what: &Publishing, url: &str) -> Result<Ended, Error> {
        who.must_be_system("publish")?;
        let (id, approval, product, kind) = (what.publication.id, what.approval.id, what.product.id, what.approval.kind.clone());
        let (link, now, rules, leases) = (url.to_owned(), self.now(), self.rules.clone(), self.leases.clone());
        let publish = move |tx: &Tx<'_>| {
            let before = tx.publication_of(approval)?.map(|row| row.state);
            tx.set_publication(id, PublicationState::Published, Some(&link), None, now)?;
            if before != Some(PublicationState::Published) {
                if kind == PUBLISH {
                    tx.set_product_state(product, ProductState::Published, None, now)?;
                }
                let data = serde_json::json!({ "url": link, "kind": kind });
                let event = NewEvent::new(EventKind::PublicationPublished, Principal::System);
                tx.record(now, &event.product(Some(product)).approval(approval).data(data))?;
            }
            let progress = Progress { token, report: 1, usage: Usage::default(), cost: MicroUsd(0) };
            let result = serde_json::json!({ URL: link });
            let done = Complete { progress, result, manifest: None, checks: vec![] };
            endings::complete(tx, &rules, &Principal::System, &done, now)
        };
        let published = move |(_, over): &(Ended, Vec<Token>)| {
            failpoint::reach("daemon.publication-recorded");
            leases.end(over);
        };
        self.store.write_then(publish, published).await.map(|(ended, _)| ended)
    }
}

/// A publish task failed for good. Whether something is on the outlet is not known; a retry asks it first.
pub(super) fn given_up(tx: &Tx<'_>, task: &TaskRow, why: &str, now: Millis) -> Result<(), Error> {
    let publication = tx.publication_of(approval_of(task))?;
    if let Some(row) = publication.filter(|row| row.state != PublicationState::Published) {
        tx.set_publication(row.id, PublicationState::Failed, None, Some(why), now)?;
        let data = serde_json::json!({ "outlet": row.outlet, "reason": text::one_line(why, 300) });
        let event = NewEvent::new(EventKind::PublicationFailed, Principal::System).task(task.id);
        tx.record(now, &event.product(Some(row.product)).approval(row.approval).data(data))?;
    }
    Ok(())
}

/// The approval that a publish task names.
fn approval_of(task: &TaskRow) -> ApprovalId {
    task.payload.get(APPROVAL).and_then(serde_json::Value::as_i64).unwrap_or_default()
}

/// The decision that allows a publish task, with everything it was about; or why there is none.
fn prove(reader: &Reader<'_>, task: &TaskRow, rehearsal: bool) -> Result<Publishing, Error> {
    let id = approval_of(task);
    let denied = |why: &str| Error::denied(format!("approval {id} does not allow this publication: {why}"));
    let approval = reader.approval(id)?.ok_or_else(|| denied("it does not exist"))?;
    if approval.state != ApprovalState::Approved {
        return Err(denied("it is not approved"));
    }
    if !approval.decided_by.as_deref().is_some_and(|name| Principal::names_person(name, rehearsal)) {
        return Err(denied("no person decided it"));
    }
    if Some(approval.product) != task.product {
        return Err(denied("it is about another product"));
    }
    if !approval.is_bound() {
        return Err(denied("its snapshot or terms were changed"));
    }
    let publication = reader.publication_of(id)?.ok_or_else(|| denied("no intent was written down"))?;
    let product = reader.product(approval.product)?.ok_or_else(|| denied("its product is gone"))?;
    let snapshot = approval.snapshot.clone().ok_or_else(|| denied("it has no snapshot"))?;
    let manifest = sound_snapshot(reader, &snapshot)?.ok_or_else(|| denied("its files were changed"))?;
    Ok(Publishing { publication, approval, product, manifest })
}

/// The manifest of a snapshot, if it is kept and still is what its name says.
pub(super) fn sound_snapshot(reader: &Reader<'_>, hash: &str) -> Result<Option<Manifest>, Error> {
    Ok(reader.snapshot(hash)?.filter(|manifest| manifest.hash() == hash))
}
