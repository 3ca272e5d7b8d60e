//! Approvals: a person decides, once, about exactly these bytes and terms.

use serde_json::{Value, json};

use super::Swarm;
use super::judge::lookup;
use super::publications::sound_snapshot;
use super::steps::{self, Cause};
use super::tasks::pipeline_of;
use crate::domain::approval::{ApprovalId, ApprovalState, Decision};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::pipeline::follow;
use crate::domain::principal::Principal;
use crate::domain::task::Token;
use crate::domain::text;
use crate::failpoint;
use crate::store::{ApprovalRow, Tx};

impl Swarm {
    /// Decides an approval and carries out what follows, in one transaction. `seen` is the binding that the person was shown; with it,
    /// the decision holds for what they saw or not at all.
    ///
    /// # Errors
    /// `Denied` for anyone but a person; `NotFound`; `Conflict` where it was decided before, or is not what was seen; `Invalid` for a
    /// rejection without a reason.
    pub async fn decide(
        &self,
        who: &Principal,
        id: ApprovalId,
        decision: Decision,
        reason: Option<String>,
        seen: Option<String>,
    ) -> Result<ApprovalRow, Error> {
        who.must_be_person("decide an approval", self.rules.rehearsal)?;
        let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        if decision == Decision::Reject && reason.is_none() {
            return Err(Error::invalid("reason", "a rejection needs one").hint("the next attempt is told why: --reason \"…\""));
        }
        if let Some(reason) = &reason {
            text::check("reason", reason, 8000)?;
        }
        let (rules, who, now) = (self.rules.clone(), who.clone(), self.now());
        let decide = move |tx: &Tx<'_>| {
            let missing = || no_approval(id);
            let approval = tx.approval(id)?.ok_or_else(missing)?;
            if !approval.is_bound() {
                return Err(Error::conflict(format!(
                    "approval {id} is not what was asked any more; its snapshot or terms were changed"
                )));
            }
            // A person is shown the files that the manifest names: it must be the one that the snapshot's name stands for.
            if decision == Decision::Approve
                && let Some(snapshot) = &approval.snapshot
                && sound_snapshot(tx, snapshot)?.is_none()
            {
                return Err(Error::conflict(format!("approval {id} cannot be approved: the files of its snapshot were changed"))
                    .hint("reject it; the work is then done anew"));
            }
            if seen.is_some_and(|seen| seen != approval.binding) {
                return Err(
                    Error::conflict(format!("approval {id} is not what you were shown")).hint("look at it again, then decide")
                );
            }
            let (to, word) = match decision {
                Decision::Approve => (ApprovalState::Approved, "approve"),
                Decision::Reject => (ApprovalState::Rejected, "reject"),
            };
            if !tx.close_approval(id, to, &who.to_string(), reason.as_deref(), now)? {
                let by = approval.decided_by.as_deref().unwrap_or("somebody");
                return Err(Error::conflict(format!("approval {id} is {} already, by {by}", approval.state.as_str())));
            }
            let data = json!({ "kind": approval.kind, "decision": word, "reason": reason, "binding": approval.binding });
            let event =
                NewEvent::new(EventKind::ApprovalDecided, &who).task(approval.task).product(Some(approval.product)).approval(id);
            tx.record(now, &event.data(data))?;

            let task = tx.task(approval.task)?.ok_or_else(|| super::tasks::no_task(approval.task))?;
            let product = tx.product(approval.product)?.ok_or_else(|| super::tasks::no_product(approval.product))?;
            let pipeline = pipeline_of(tx, &rules, &product.pipeline)?;
            let spec = pipeline.approvals.get(&approval.kind);
            let actions = spec.map(|spec| if to == ApprovalState::Approved { &spec.approve } else { &spec.reject });
            let lookup = lookup(
                &task,
                Some(&product),
                &[
                    ("approval", json!({ "id": approval.id, "terms": approval.terms })),
                    ("reason", reason.map_or(Value::Null, Value::String)),
                ],
            );
            let steps = actions.map(|actions| follow(actions, &lookup)).transpose()?.unwrap_or_default();
            steps::check(&pipeline, &steps, true, approval.snapshot.is_some())?;
            let hash = product.pipeline.clone();
            let actor = who.to_string();
            let mut cause = Cause::of(&actor, &task, Some(product), Some(&approval));
            steps::carry_out(tx, &rules, &pipeline, &hash, &mut cause, steps, now)?;
            Ok((tx.approval(id)?.ok_or_else(missing)?, cause.ended))
        };
        let leases = self.leases.clone();
        let decided = move |(_, ended): &(ApprovalRow, Vec<Token>)| {
            failpoint::reach("daemon.decision-committed");
            leases.end(ended);
        };
        self.store.write_then(decide, decided).await.map(|(approval, _)| approval)
    }
}

pub(super) fn no_approval(id: ApprovalId) -> Error {
    Error::not_found(format!("there is no approval {id}")).hint("`claude-swarm approvals` lists what is open")
}
