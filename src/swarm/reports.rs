//! What workers say of attempts that are under way. Each report carries the fencing token; one from a claim that is over changes nothing.
//!
//! Not here: how attempts end (`endings`).

use serde_json::json;

use super::evidence::Named;
use super::tasks::change;
use super::{Swarm, accounts};
use crate::domain::budget::MicroUsd;
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::report::Progress;
use crate::domain::task::{Event, StateName, Token};
use crate::domain::text;
use crate::domain::time::Millis;
use crate::store::{ArtifactRow, AttemptRow, TaskRow, Tx};

impl Swarm {
    /// The CLI was started.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn started(&self, who: &Principal, token: Token) -> Result<(), Error> {
        self.advance(who, token, Event::Start(token), EventKind::TaskStarted, StateName::Running).await
    }

    /// The CLI is done and the checks begin.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn validating(&self, who: &Principal, token: Token) -> Result<(), Error> {
        self.advance(who, token, Event::Validate(token), EventKind::TaskValidating, StateName::Validating).await
    }

    async fn advance(&self, who: &Principal, token: Token, event: Event, kind: EventKind, to: StateName) -> Result<(), Error> {
        let (who, now) = (who.clone(), self.now());
        self.store
            .write(move |tx| {
                let (task, _) = held(tx, &who, token)?;
                if task.life.state.name() >= to {
                    return Ok(()); // The same report again.
                }
                change(tx, &task, event, now)?;
                tx.record(now, &about(kind, &who, &task))?;
                Ok(())
            })
            .await
    }

    /// What the attempt has used until now.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn progress(&self, who: &Principal, progress: Progress) -> Result<(), Error> {
        let (who, now) = (who.clone(), self.now());
        self.store
            .write(move |tx| {
                let (_, attempt) = held(tx, &who, progress.token)?;
                // The provider lets requests through again: nobody need wait until the whole task is done.
                if attempt.session.is_some() && progress.usage.output > attempt.usage.output {
                    accounts::works(tx, &attempt, now)?;
                }
                meter(tx, &attempt, &progress, now)
            })
            .await
    }

    /// The worker of a cancelled task says that its CLI is gone, and what it had used until then.
    ///
    /// # Errors
    /// `NotFound` for a token that was never given out; `Denied` for somebody else's.
    pub async fn released(&self, who: &Principal, progress: Progress) -> Result<(), Error> {
        let (who, now) = (who.clone(), self.now());
        self.store
            .write(move |tx| {
                let attempt = attempt_of(tx, &who, progress.token)?;
                if attempt.ended_at.is_none() {
                    return Err(Error::conflict("this attempt has not ended; report how it did"));
                }
                if attempt.released_at.is_none() {
                    meter(tx, &attempt, &progress, now)?;
                }
                release(tx, &who, &attempt, now)
            })
            .await
    }

    /// Keeps the name of bytes that were put into the artifact store for an attempt.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn keep_artifact(
        &self,
        who: &Principal,
        token: Token,
        name: String,
        sha256: String,
        size: u64,
    ) -> Result<(), Error> {
        text::check("name", &name, 120)?;
        self.must_have(vec![Named { name: name.clone(), sha256: sha256.clone(), size }]).await?;
        let (who, now) = (who.clone(), self.now());
        self.store
            .write(move |tx| {
                let (task, attempt) = held(tx, &who, token)?;
                Ok(tx.keep_artifact(task.id, &ArtifactRow { attempt: attempt.id, name, sha256, size }, now)?)
            })
            .await
    }

    /// The attempts whose sandbox may still run, of one agent or of all.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn unreleased(&self, agent: Option<AgentName>) -> Result<Vec<AttemptRow>, Error> {
        let all = self.store.read(|reader| Ok(reader.unreleased_attempts()?)).await?;
        Ok(all.into_iter().filter(|attempt| agent.as_ref().is_none_or(|agent| attempt.agent == *agent)).collect())
    }
}

/// An event about a task and whoever has it.
pub(super) fn about(kind: EventKind, who: &Principal, task: &TaskRow) -> NewEvent {
    let event = NewEvent::new(kind, who).task(task.id).product(task.product);
    match task.life.state.claim() {
        Some(claim) => event.agent(&claim.agent),
        None => event,
    }
}

/// The attempt under a token, if it is this principal's.
pub(super) fn attempt_of(tx: &Tx<'_>, who: &Principal, token: Token) -> Result<AttemptRow, Error> {
    let attempt = tx.attempt_by_token(token)?.ok_or_else(|| Error::not_found(format!("no claim has the token {token}")))?;
    let own = match who {
        Principal::Worker(agent) => attempt.session.is_some() && attempt.agent == *agent,
        Principal::System => attempt.session.is_none(),
        _ => false,
    };
    if own { Ok(attempt) } else { Err(Error::denied(format!("the claim {token} is not {who}'s"))) }
}

/// The task and attempt under a token, if its claim is live and this principal's.
pub(super) fn held(tx: &Tx<'_>, who: &Principal, token: Token) -> Result<(TaskRow, AttemptRow), Error> {
    let attempt = attempt_of(tx, who, token)?;
    Ok((live(tx, &attempt)?, attempt))
}

/// The task of an attempt, if its claim is live.
pub(super) fn live(tx: &Tx<'_>, attempt: &AttemptRow) -> Result<TaskRow, Error> {
    let task = tx.task(attempt.task)?.ok_or_else(Error::stale_claim)?;
    if task.life.state.claim().is_none_or(|claim| claim.token != attempt.token) {
        return Err(Error::stale_claim());
    }
    Ok(task)
}

/// Nothing of an attempt that had ended runs any more: whoever waits for its tree or its money is told.
pub(super) fn release(tx: &Tx<'_>, who: &Principal, attempt: &AttemptRow, now: Millis) -> Result<(), Error> {
    if attempt.released_at.is_some() {
        return Ok(());
    }
    tx.release_attempt(attempt.id, now)?;
    let product = tx.task(attempt.task)?.and_then(|task| task.product);
    let event = NewEvent::new(EventKind::TaskReleased, who).task(attempt.task).agent(&attempt.agent).product(product);
    tx.record(now, &event.data(json!({ "attempt": attempt.number })))?;
    Ok(())
}

/// Adds what an attempt has used since its last report to its agent's day.
pub(super) fn meter(tx: &Tx<'_>, attempt: &AttemptRow, progress: &Progress, now: Millis) -> Result<(), Error> {
    if progress.report <= attempt.report {
        return Ok(());
    }
    let usage = attempt.usage.max(progress.usage.believable());
    let delta = usage.minus(attempt.usage);
    // What was reported is never taken back, whatever a worker says later.
    let cost = attempt.cost.max(progress.cost.believable(attempt.budget));
    tx.set_usage(attempt.id, progress.report, &usage, cost)?;
    tx.add_spend(attempt.agent.as_str(), MicroUsd(cost.0 - attempt.cost.0), &delta, now)?;
    Ok(())
}
