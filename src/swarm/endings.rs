//! How attempts end: done with evidence, come to nothing, or lost with what they stood on.
//!
//! Not here: whether an answer counts (`judge`), what follows from it (`steps`).

use serde_json::json;

use super::judge::{self, Accepted};
use super::reports::{about, attempt_of, held, live, meter, release};
use super::rules::Rules;
use super::steps::{self, Cause};
use super::tasks::{change, pipeline_of, unblock_dependents};
use super::{Swarm, accounts, evidence, publications};
use crate::domain::error::Error;
use crate::domain::event::EventKind;
use crate::domain::failure::{FailureClass, TaskEffect};
use crate::domain::pipeline::Tree;
use crate::domain::principal::Principal;
use crate::domain::report::{Complete, Ended, Fail};
use crate::domain::snapshot::Manifest;
use crate::domain::task::{Event, Outcome, StateName, Token};
use crate::domain::text;
use crate::domain::time::Millis;
use crate::failpoint;
use crate::store::{AttemptRow, TaskRow, Tx};

/// The longest text of a failure that is kept.
const DETAIL_MAX: usize = 8_000;

impl Swarm {
    /// The CLI answered and the checks were run. Judges whether that is enough, and carries out what follows.
    ///
    /// # Errors
    /// `Conflict` for a stale token; `Invalid` where bytes are named that were not sent, or paths that could leave a tree.
    pub async fn complete(&self, who: &Principal, mut done: Complete) -> Result<Ended, Error> {
        done.manifest = done.manifest.map(|Manifest(entries)| Manifest::new(entries)).transpose()?;
        self.must_have(evidence::named(&done)).await?;
        let (who, now) = (who.clone(), self.now());
        let (rules, leases) = (self.rules.clone(), self.leases.clone());
        let judge = move |tx: &Tx<'_>| complete(tx, &rules, &who, &done, now);
        let done = move |(_, over): &(Ended, Vec<Token>)| {
            failpoint::reach("daemon.completion-committed");
            leases.end(over);
        };
        self.store.write_then(judge, done).await.map(|(ended, _)| ended)
    }

    /// The attempt came to nothing.
    ///
    /// # Errors
    /// `Conflict` for a stale token.
    pub async fn fail(&self, who: &Principal, fail: Fail) -> Result<Ended, Error> {
        let (who, now, token) = (who.clone(), self.now(), fail.progress.token);
        let judge = move |tx: &Tx<'_>| {
            if let Some(ended) = already(tx, &who, token, now)? {
                return Ok(ended);
            }
            let (task, attempt) = held(tx, &who, token)?;
            meter(tx, &attempt, &fail.progress, now)?;
            failed(tx, &who, &task, &attempt, &fail, now)
        };
        let leases = self.leases.clone();
        self.store.write_then(judge, move |_| leases.end(&[token])).await
    }

    /// The worker, or what it stands on, died; its sandbox is proven gone. The task goes back without an attempt being spent.
    ///
    /// # Errors
    /// `Denied` for anyone but the daemon.
    pub async fn lose(&self, who: &Principal, token: Token, reason: String) -> Result<(), Error> {
        who.must_be_system("say that a claim is lost")?;
        let (now, leases) = (self.now(), self.leases.clone());
        let lose = move |tx: &Tx<'_>| {
            let Some(attempt) = tx.attempt_by_token(token)? else { return Ok(()) };
            if attempt.ended_at.is_some() {
                return release(tx, &Principal::System, &attempt, now);
            }
            let task = live(tx, &attempt)?;
            tx.release_attempt(attempt.id, now)?;
            tx.end_attempt(attempt.id, Outcome::Lost, Some(FailureClass::Interrupted), Some(&reason), now)?;
            accounts::probe_ended(tx, &attempt)?;
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

/// Judges a report and carries out what follows. Answers also with the claims that ended with it.
pub(super) fn complete(
    tx: &Tx<'_>,
    rules: &Rules,
    who: &Principal,
    done: &Complete,
    now: Millis,
) -> Result<(Ended, Vec<Token>), Error> {
    let token = done.progress.token;
    if let Some(ended) = already(tx, who, token, now)? {
        return Ok((ended, vec![token]));
    }
    let (task, attempt) = held(tx, who, token)?;
    meter(tx, &attempt, &done.progress, now)?;
    for log in judge::logs(done, attempt.id) {
        tx.keep_artifact(task.id, &log, now)?;
    }
    let pipeline = pipeline_of(tx, rules, &task.pipeline)?;
    let spec = pipeline.task_type(&task.kind)?;
    let product = task.product.map(|id| tx.product(id)).transpose()?.flatten();
    if attempt.session.is_some() {
        accounts::works(tx, &attempt, now)?;
    }
    match judge::judge(&pipeline, spec, &task, product.as_ref(), done) {
        Ok(accepted) => {
            let mut cause = Cause::of(attempt.agent.as_str(), &task, product, None);
            let written = done.manifest.as_ref().filter(|_| spec.tree == Tree::Write);
            if let (Some(manifest), Some(product)) = (written, &mut cause.product) {
                let hash = manifest.hash();
                tx.keep_snapshot(&hash, manifest, now)?;
                tx.set_product_snapshot(product.id, &hash, now)?;
                product.snapshot = Some(hash.clone());
                cause.snapshot = Some(hash);
            }
            completed(tx, who, &task, &attempt, &accepted, now)?;
            steps::carry_out(tx, rules, &pipeline, &task.pipeline, &mut cause, accepted.steps, now)?;
            Ok((Ended::Done, cause.ended.into_iter().chain([token]).collect()))
        }
        Err(refused) => {
            let fail = Fail { progress: done.progress, class: refused.class, detail: refused.detail, resets_at: None };
            Ok((failed(tx, who, &task, &attempt, &fail, now)?, vec![token]))
        }
    }
}

fn completed(
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

fn failed(tx: &Tx<'_>, who: &Principal, task: &TaskRow, attempt: &AttemptRow, fail: &Fail, now: Millis) -> Result<Ended, Error> {
    let detail: String = text::clean(&fail.detail).chars().take(DETAIL_MAX).collect();
    let (class, effect) = (fail.class, fail.class.effect());
    let pause = task.life.pause_after(class, u64::try_from(task.id).unwrap_or_default());
    let reason = format!("{}: {}", class.name(), text::one_line(&detail, 300));
    let event = Event::Fail { token: attempt.token, effect: effect.task, reason, not_before: now.plus(pause) };
    let after = change(tx, &TaskRow { limits: task.limits.after(class), ..task.clone() }, event, now)?;
    if effect.task == TaskEffect::RetrySpending {
        tx.set_feedback(task.id, &detail)?;
    }
    tx.end_attempt(attempt.id, Outcome::Failed, Some(class), Some(&detail), now)?;
    tx.release_attempt(attempt.id, now)?;
    if attempt.session.is_some() {
        accounts::refused(tx, attempt, effect.account, &text::one_line(&detail, 300), fail.resets_at, now)?;
    }
    let over = after.life.state.name() == StateName::Failed;
    if over && attempt.session.is_none() {
        publications::given_up(tx, task, &detail, now)?;
    }
    let data = json!({ "class": class.name(), "reason": text::one_line(&detail, 300), "again_at": (!over).then_some(after.life.not_before) });
    let kind = if over { EventKind::TaskFailed } else { EventKind::TaskRetrying };
    tx.record(now, &about(kind, who, task).data(data))?;
    Ok(if over { Ended::Failed } else { Ended::Again })
}
