//! What workers report about their attempts. Each report carries the fencing token; one from a claim that is over changes nothing.

use serde_json::json;

use super::Swarm;
use super::judge::{self, Finish};
use super::steps::{self, Cause};
use super::tasks::{change, pipeline_of, unblock_dependents};
use super::{accounts, judge::Accepted};
use crate::domain::backoff::task_backoff_ms;
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::failure::{AccountEffect, FailureClass, TaskEffect};
use crate::domain::name::AgentName;
use crate::domain::pipeline::Tree;
use crate::domain::principal::Principal;
use crate::domain::snapshot::Manifest;
use crate::domain::task::{Event, Limits, Outcome, StateName, Token};
use crate::domain::text;
use crate::domain::time::Millis;
use crate::failpoint;
use crate::store::{ArtifactRow, AttemptRow, TaskRow, Tx};

/// What an attempt has used until now.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The claim's.
    pub token: Token,
    /// The number of this report; one that is not higher than the last is not counted again.
    pub report: i64,
    /// Tokens since the attempt began.
    pub usage: Usage,
    /// Cost since the attempt began.
    pub cost: MicroUsd,
}

/// An attempt that came to nothing.
#[derive(Debug, Clone)]
pub struct Failing {
    /// What it used.
    pub progress: Progress,
    /// What class of failure.
    pub class: FailureClass,
    /// For people, and for the next attempt.
    pub detail: String,
    /// When the provider's limit ends, if it said so.
    pub resets_at: Option<Millis>,
}

/// What became of the task when an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// It will be tried again.
    Again,
    /// It failed for good.
    Failed,
    /// It had ended before: cancelled, or reported already.
    Over,
}

/// The longest text of a failure that is kept.
const DETAIL_MAX: usize = 8_000;

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
                meter(tx, &attempt, &progress, now)
            })
            .await
    }

    /// The CLI answered and the checks were run. Judges whether that is enough, and carries out what follows.
    ///
    /// # Errors
    /// `Conflict` for a stale token; `Invalid` where bytes are named that were not sent, or paths that could leave a tree.
    pub async fn finish(&self, who: &Principal, mut finish: Finish) -> Result<Ended, Error> {
        finish.manifest = finish.manifest.map(|Manifest(entries)| Manifest::new(entries)).transpose()?;
        self.must_have_bytes(&finish).await?;
        let (who, now, token) = (who.clone(), self.now(), finish.token);
        let (rules, leases) = (self.rules.clone(), self.leases.clone());
        let judge = move |tx: &Tx<'_>| {
            if let Some(ended) = already(tx, &who, token, now)? {
                return Ok((ended, vec![token]));
            }
            let (task, attempt) = held(tx, &who, token)?;
            meter(tx, &attempt, &Progress { token, report: finish.report, usage: finish.usage, cost: finish.cost }, now)?;
            for log in judge::logs(&finish, attempt.id) {
                tx.keep_artifact(task.id, &log, now)?;
            }
            let pipeline = pipeline_of(tx, &rules, &task.pipeline)?;
            let spec = pipeline.task_type(&task.kind)?;
            let product = task.product.map(|id| tx.product(id)).transpose()?.flatten();
            if attempt.session.is_some() {
                accounts::works(tx, &attempt, now)?;
            }
            match judge::judge(&pipeline, spec, &task, product.as_ref(), &finish) {
                Ok(accepted) => {
                    let mut cause = Cause::of(attempt.agent.as_str(), &task, product, None);
                    let written = finish.manifest.as_ref().filter(|_| spec.tree == Tree::Write);
                    if let (Some(manifest), Some(product)) = (written, &mut cause.product) {
                        let hash = manifest.hash();
                        tx.keep_snapshot(&hash, manifest, now)?;
                        tx.set_product_snapshot(product.id, &hash, now)?;
                        product.snapshot = Some(hash.clone());
                        cause.snapshot = Some(hash);
                    }
                    complete(tx, &who, &task, &attempt, &accepted, now)?;
                    steps::carry_out(tx, &rules, &pipeline, &task.pipeline, &mut cause, accepted.steps, now)?;
                    Ok((Ended::Done, cause.ended.into_iter().chain([token]).collect()))
                }
                Err(refused) => {
                    let ended = fail(tx, &who, &task, &attempt, refused.class, &refused.detail, None, now)?;
                    Ok((ended, vec![token]))
                }
            }
        };
        let done = move |(_, over): &(Ended, Vec<Token>)| {
            failpoint::reach("daemon.finish-committed");
            leases.end(over);
        };
        self.store.write_then(judge, done).await.map(|(ended, _)| ended)
    }

    /// The attempt came to nothing.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn fail(&self, who: &Principal, failing: Failing) -> Result<Ended, Error> {
        let (who, now, token) = (who.clone(), self.now(), failing.progress.token);
        let fail = move |tx: &Tx<'_>| {
            if let Some(ended) = already(tx, &who, token, now)? {
                return Ok(ended);
            }
            let (task, attempt) = held(tx, &who, token)?;
            meter(tx, &attempt, &failing.progress, now)?;
            fail(tx, &who, &task, &attempt, failing.class, &failing.detail, failing.resets_at, now)
        };
        let leases = self.leases.clone();
        self.store.write_then(fail, move |_| leases.end(&[token])).await
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

    /// The worker, or what it stands on, died; its sandbox is proven gone. The task goes back without an attempt being spent.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn lose(&self, who: &Principal, token: Token, reason: String) -> Result<(), Error> {
        if *who != Principal::System {
            return Err(Error::denied("only the daemon knows what is gone"));
        }
        let (now, leases) = (self.now(), self.leases.clone());
        let lose = move |tx: &Tx<'_>| {
            let Some(attempt) = tx.attempt_by_token(token)? else { return Ok(()) };
            if attempt.ended_at.is_some() {
                return release(tx, &Principal::System, &attempt, now);
            }
            let task = live(tx, &attempt)?;
            tx.release_attempt(attempt.id, now)?;
            tx.end_attempt(attempt.id, Outcome::Lost, Some(FailureClass::Interrupted), Some(&reason), now)?;
            accounts::probe_ended(tx, &attempt, now)?;
            let task = change(tx, &task, Event::Lose { token, reason: reason.clone() }, now)?;
            let data = json!({ "reason": reason, "losses": task.life.losses });
            tx.record(now, &about(EventKind::TaskLost, &Principal::System, &task).agent(&attempt.agent).data(data))?;
            if task.life.state.name() == StateName::Failed {
                let data = json!({ "reason": format!("lost {} times; the last time: {reason}", task.life.losses) });
                tx.record(now, &about(EventKind::TaskFailed, &Principal::System, &task).data(data))?;
            }
            Ok(())
        };
        self.store.write_then(lose, move |()| leases.end(&[token])).await
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
        let (who, now) = (who.clone(), self.now());
        self.store
            .write(move |tx| {
                let (task, attempt) = held(tx, &who, token)?;
                Ok(tx.keep_artifact(task.id, &ArtifactRow { attempt: attempt.id, name, sha256, size }, now)?)
            })
            .await
    }
}

fn about(kind: EventKind, who: &Principal, task: &TaskRow) -> NewEvent {
    let event = NewEvent::new(kind, who).task(task.id).product(task.product);
    match task.life.state.claim() {
        Some(claim) => event.agent(&claim.agent),
        None => event,
    }
}

/// How often a task may be tried, seen from a failure: while its account is closed, the account's gate bounds how often it is put back.
fn limits_for(task: &TaskRow, class: FailureClass) -> Limits {
    let gated = class.effect().account != AccountEffect::None;
    Limits { free: if gated { task.limits.free.max(class.free_retry_limit()) } else { task.limits.free }, ..task.limits }
}

/// The attempt under a token, if it is this principal's.
fn attempt_of(tx: &Tx<'_>, who: &Principal, token: Token) -> Result<AttemptRow, Error> {
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
fn live(tx: &Tx<'_>, attempt: &AttemptRow) -> Result<TaskRow, Error> {
    let task = tx.task(attempt.task)?.ok_or_else(Error::stale_claim)?;
    if task.life.state.claim().is_none_or(|claim| claim.token != attempt.token) {
        return Err(Error::stale_claim());
    }
    Ok(task)
}

/// Nothing of an attempt that had ended runs any more: whoever waits for its tree or its money is told.
fn release(tx: &Tx<'_>, who: &Principal, attempt: &AttemptRow, now: Millis) -> Result<(), Error> {
    if attempt.released_at.is_some() {
        return Ok(());
    }
    tx.release_attempt(attempt.id, now)?;
    let product = tx.task(attempt.task)?.and_then(|task| task.product);
    let event = NewEvent::new(EventKind::TaskReleased, who).task(attempt.task).agent(&attempt.agent).product(product);
    tx.record(now, &event.data(json!({ "attempt": attempt.number })))?;
    Ok(())
}

/// What became of an attempt whose end was reported before; a worker may say it twice.
fn already(tx: &Tx<'_>, who: &Principal, token: Token, now: Millis) -> Result<Option<Ended>, Error> {
    let attempt = attempt_of(tx, who, token)?;
    if attempt.ended_at.is_some() && attempt.session.is_none() {
        // The daemon's own attempts have no sandbox: when one reports, nothing of it runs any more.
        release(tx, who, &attempt, now)?;
    }
    Ok(match attempt.outcome {
        None => None,
        Some(Outcome::Done) => Some(Ended::Done),
        Some(Outcome::Failed) => {
            let failed = tx.task(attempt.task)?.is_some_and(|task| task.life.state.name() == StateName::Failed);
            Some(if failed { Ended::Failed } else { Ended::Again })
        }
        Some(Outcome::Lost) => return Err(Error::stale_claim()),
        Some(Outcome::Cancelled) => Some(Ended::Over),
    })
}

/// Adds what an attempt has used since its last report to its agent's day.
fn meter(tx: &Tx<'_>, attempt: &AttemptRow, progress: &Progress, now: Millis) -> Result<(), Error> {
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

fn complete(
    tx: &Tx<'_>,
    who: &Principal,
    task: &TaskRow,
    attempt: &AttemptRow,
    accepted: &Accepted,
    now: Millis,
) -> Result<(), Error> {
    let mut at = task.clone();
    if at.life.state.name() == StateName::Claimed {
        at = change(tx, &at, Event::Start(attempt.token), now)?;
    }
    if at.life.state.name() == StateName::Running {
        at = change(tx, &at, Event::Validate(attempt.token), now)?;
    }
    change(tx, &at, Event::Complete(attempt.token), now)?;
    tx.set_result(task.id, &accepted.result, &accepted.verdict)?;
    tx.end_attempt(attempt.id, Outcome::Done, None, None, now)?;
    tx.release_attempt(attempt.id, now)?;
    let data = json!({ "type": task.kind, "verdict": accepted.verdict });
    tx.record(now, &about(EventKind::TaskCompleted, who, task).data(data))?;
    unblock_dependents(tx, task.id, now)
}

#[expect(clippy::too_many_arguments, reason = "everything there is to know about a failure, once")]
fn fail(
    tx: &Tx<'_>,
    who: &Principal,
    task: &TaskRow,
    attempt: &AttemptRow,
    class: FailureClass,
    detail: &str,
    resets_at: Option<Millis>,
    now: Millis,
) -> Result<Ended, Error> {
    let detail: String = text::clean(detail).chars().take(DETAIL_MAX).collect();
    let effect = class.effect();
    let tries = match effect.task {
        TaskEffect::RetrySpending => task.life.attempts,
        TaskEffect::RetryFree | TaskEffect::Fail => task.life.free,
    };
    // While the account is closed, its gate holds the task back; the task itself may go at once when it opens.
    let pause = if effect.account == AccountEffect::None {
        task_backoff_ms(tries, u64::try_from(task.id).unwrap_or_default())
    } else {
        0
    };
    let reason = format!("{}: {}", class.name(), text::one_line(&detail, 300));
    let event = Event::Fail { token: attempt.token, effect: effect.task, reason, not_before: now.plus(pause) };
    let after = change(tx, &TaskRow { limits: limits_for(task, class), ..task.clone() }, event, now)?;
    if effect.task == TaskEffect::RetrySpending {
        tx.set_feedback(task.id, &detail)?;
    }
    tx.end_attempt(attempt.id, Outcome::Failed, Some(class), Some(&detail), now)?;
    tx.release_attempt(attempt.id, now)?;
    if attempt.session.is_some() {
        accounts::refused(tx, attempt, effect.account, &text::one_line(&detail, 300), resets_at, now)?;
    }
    let over = after.life.state.name() == StateName::Failed;
    let data = json!({ "class": class.name(), "reason": text::one_line(&detail, 300), "again_at": (!over).then_some(after.life.not_before) });
    let kind = if over { EventKind::TaskFailed } else { EventKind::TaskRetrying };
    tx.record(now, &about(kind, who, task).data(data))?;
    Ok(if over { Ended::Failed } else { Ended::Again })
}

impl Swarm {
    /// The attempts whose sandbox may still run, of one agent or of all.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn unreleased(&self, agent: Option<AgentName>) -> Result<Vec<AttemptRow>, Error> {
        let all = self.store.read(|reader| Ok(reader.unreleased_attempts()?)).await?;
        Ok(all.into_iter().filter(|attempt| agent.as_ref().is_none_or(|agent| attempt.agent == *agent)).collect())
    }
}
