//! Tasks: create, cancel, retry, depend.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::Swarm;
use super::rules::Rules;
use crate::domain::budget::MicroUsd;
use crate::domain::error::{Error, Kind};
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::pipeline::{Executor, Pipeline, TaskType, Tree};
use crate::domain::principal::Principal;
use crate::domain::task::{Event, JSON_MAX_BYTES, Limits, Outcome, StateName, TaskId, Token};
use crate::domain::time::Millis;
use crate::domain::{schema, text};
use crate::store::{NewTask, ProductRow, Reader, TaskRow, Tx};

/// What a new task is made of.
#[derive(Debug, Clone, Default)]
pub struct CreateTask {
    /// Its type.
    pub kind: String,
    /// 1 to 10, 10 first; the type's where there is none.
    pub priority: Option<i64>,
    /// Bound by the type's schema.
    pub payload: Value,
    /// The tasks that must be done first.
    pub needs: Vec<TaskId>,
    /// Creating again under the same key answers with the same task.
    pub dedup_key: Option<String>,
    /// The product it is for.
    pub product: Option<i64>,
}

/// A task that is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// Its number.
    pub id: TaskId,
    /// Whether it was there before, under the same key.
    pub existed: bool,
}

/// The most tasks that one may wait for.
const NEEDS_MAX: usize = 100;

impl Swarm {
    /// Creates a task.
    ///
    /// # Errors
    /// `Denied` for everyone but the operator; `Invalid`, naming the field, for what the type does not take.
    pub async fn create_task(&self, who: &Principal, request: CreateTask) -> Result<Created, Error> {
        who.must_be_operator("create tasks")?;
        let rules = self.rules.clone();
        let now = self.now();
        let actor = who.to_string();
        self.store
            .write(move |tx| {
                if let Some(key) = &request.dedup_key {
                    text::check("dedup_key", key, 200)?;
                    if key.trim().is_empty() {
                        return Err(Error::invalid("dedup_key", "is empty").hint("leave it out, or give each cause its own"));
                    }
                    if let Some(there) = tx.task_by_dedup_key(key)? {
                        let same = there.kind == request.kind && there.payload == request.payload;
                        if same && there.product == request.product {
                            return Ok(Created { id: there.id, existed: true });
                        }
                        return Err(Error::conflict(format!(
                            "the dedup key {key:?} belongs to task {}, which asks for something else",
                            there.id
                        ))
                        .hint("choose another key, or ask for the same"));
                    }
                }
                let product = match request.product {
                    None => None,
                    Some(id) => Some(tx.product(id)?.ok_or_else(|| no_product(id))?),
                };
                let (pipeline, hash) = match &product {
                    None => (Cow::Borrowed(&rules.pipeline), rules.pipeline_hash.clone()),
                    Some(product) => (pipeline_of(tx, &rules, &product.pipeline)?, product.pipeline.clone()),
                };
                let spec = pipeline.task_type(&request.kind)?;
                check_new(&rules, spec, &request)?;
                check_product(spec, &request.kind, product.as_ref())?;
                let draft = Draft {
                    kind: &request.kind,
                    payload: request.payload.clone(),
                    priority: request.priority,
                    dedup_key: request.dedup_key.clone(),
                    feedback: None,
                    product: product.as_ref(),
                    snapshot: product.as_ref().and_then(|product| product.snapshot.clone()),
                    parent: None,
                    needs: &request.needs,
                };
                let id = insert(tx, &rules, spec, &hash, draft, &actor, now)?;
                Ok(Created { id, existed: false })
            })
            .await
    }

    /// Ends a task that nobody wants any more. Its CLI, if one runs, is told to stop; until that is proven, its product's tree stays
    /// taken.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it is over already; `Denied` for everyone but the operator.
    pub async fn cancel_task(&self, who: &Principal, id: TaskId, reason: Option<String>) -> Result<(), Error> {
        who.must_be_operator("cancel tasks")?;
        let reason = reason.unwrap_or_else(|| format!("cancelled by {who}"));
        text::check("reason", &reason, 2000)?;
        let actor = who.to_string();
        let now = self.now();
        let leases = self.leases.clone();
        let cancel = move |tx: &Tx<'_>| cancel(tx, id, &reason, &actor, now);
        self.store.write_then(cancel, move |ended| leases.end(ended.as_slice())).await.map(drop)
    }

    /// Starts a task that failed or was cancelled from the beginning.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it is not over, or is done; `Denied` for everyone but the operator.
    pub async fn retry_task(&self, who: &Principal, id: TaskId) -> Result<(), Error> {
        who.must_be_operator("retry tasks")?;
        let actor = who.to_string();
        let now = self.now();
        self.store
            .write(move |tx| {
                let task = tx.task(id)?.ok_or_else(|| no_task(id))?;
                let mut task = change(tx, &task, Event::Retry, now)?;
                if tx.needs_of(id)?.iter().any(|(_, state)| *state != StateName::Done) {
                    task = change(tx, &task, Event::Block, now)?;
                }
                let data = serde_json::json!({ "state": task.life.state.name() });
                tx.record(now, &NewEvent::new(EventKind::TaskRetried, actor).task(id).product(task.product).data(data))?;
                Ok(())
            })
            .await
    }

    /// Makes a task wait for another.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a cycle, naming it, and for a task that has begun; `Denied` for everyone but the operator.
    pub async fn depend_task(&self, who: &Principal, id: TaskId, needs: TaskId) -> Result<(), Error> {
        who.must_be_operator("change what tasks wait for")?;
        let actor = who.to_string();
        let now = self.now();
        self.store
            .write(move |tx| {
                let mut task = tx.task(id)?.ok_or_else(|| no_task(id))?;
                let other = tx.task(needs)?.ok_or_else(|| no_task(needs))?;
                let state = task.life.state.name();
                if !matches!(state, StateName::Blocked | StateName::Pending) {
                    return Err(Error::conflict(format!("task {id} is {state}; it cannot wait for anything any more")));
                }
                if tx.needs_transitively(needs, id)? {
                    return Err(Error::conflict(format!(
                        "task {needs} already waits for task {id}: together they would wait forever"
                    ))
                    .hint("`claude-tasks show` lists what a task waits for"));
                }
                let before = tx.needs_of(id)?;
                if before.iter().any(|(there, _)| *there == needs) {
                    return Ok(());
                }
                if before.len() >= NEEDS_MAX {
                    return Err(Error::conflict(format!("task {id} waits for {NEEDS_MAX} tasks already")));
                }
                if other.life.state.name() != StateName::Done {
                    task = change(tx, &task, Event::Block, now)?;
                }
                tx.add_need(id, needs)?;
                let data = serde_json::json!({ "needs": needs, "state": task.life.state.name() });
                tx.record(now, &NewEvent::new(EventKind::TaskDepends, actor).task(id).product(task.product).data(data))?;
                Ok(())
            })
            .await
    }
}

/// A task that is about to be, its type known.
pub(super) struct Draft<'a> {
    pub kind: &'a str,
    pub payload: Value,
    pub priority: Option<i64>,
    pub dedup_key: Option<String>,
    pub feedback: Option<String>,
    pub product: Option<&'a ProductRow>,
    /// The product's files that it is about; a task that writes them is about whatever is there when it begins.
    pub snapshot: Option<String>,
    pub parent: Option<&'a TaskRow>,
    pub needs: &'a [TaskId],
}

fn check_new(rules: &Rules, spec: &TaskType, request: &CreateTask) -> Result<(), Error> {
    if let Some(priority) = request.priority
        && !(1..=10).contains(&priority)
    {
        return Err(Error::invalid("priority", format!("{priority} is out of range")).hint("1 to 10, 10 first"));
    }
    let size = request.payload.to_string().len();
    if size > JSON_MAX_BYTES {
        return Err(Error::invalid("payload", format!("{size} bytes are too many"))
            .hint(format!("at most {JSON_MAX_BYTES}; put what is larger into a file of the product")));
    }
    text::check_json("payload", &request.payload)?;
    schema::validate("payload", &spec.payload, &request.payload)?;
    if spec.executor == Executor::Daemon {
        return Err(Error::denied(format!(
            "{} is done by the daemon after an approval, and is not created by hand",
            request.kind
        ))
        .hint("`claude-swarm approvals` shows what waits for you"));
    }
    if !rules.is_served(&request.kind) {
        return Err(Error::invalid("type", format!("no agent takes {}", request.kind))
            .hint("name it in `task_types` of a file in agents/"));
    }
    if request.needs.len() > NEEDS_MAX {
        return Err(Error::invalid("needs", format!("{} are too many", request.needs.len())).hint(format!("at most {NEEDS_MAX}")));
    }
    Ok(())
}

fn check_product(spec: &TaskType, kind: &str, product: Option<&ProductRow>) -> Result<(), Error> {
    match (spec.tree, product) {
        (Tree::None, _) | (Tree::Write, Some(_)) => Ok(()),
        (Tree::Snapshot, Some(product)) if product.snapshot.is_some() => Ok(()),
        (Tree::Snapshot, Some(product)) => Err(Error::conflict(format!("product {} has no snapshot yet", product.slug))),
        (Tree::Write | Tree::Snapshot, None) => {
            Err(Error::invalid("product", format!("{kind} works on a product, and none is named"))
                .hint("`claude-swarm products` lists them"))
        }
    }
}

/// Writes a task down, with its dependencies and its event. Everything about it has been checked but the dependencies.
pub(super) fn insert(
    tx: &Tx<'_>,
    rules: &Rules,
    spec: &TaskType,
    pipeline: &str,
    draft: Draft<'_>,
    actor: &str,
    now: Millis,
) -> Result<TaskId, Error> {
    let mut blocked = false;
    for needs in draft.needs {
        let other =
            tx.task(*needs)?.ok_or_else(|| Error { field: Some("needs".to_owned()), kind: Kind::Invalid, ..no_task(*needs) })?;
        blocked |= other.life.state.name() != StateName::Done;
    }
    let trace = draft.parent.map_or_else(|| Uuid::new_v4().to_string(), |parent| parent.trace.clone());
    let new = NewTask {
        uuid: Uuid::now_v7().to_string(),
        kind: draft.kind.to_owned(),
        blocked,
        limits: Limits { attempts: spec.attempts, losses: rules.losses, free: rules.free_retries },
        priority: draft.priority.unwrap_or(spec.priority),
        payload: draft.payload,
        feedback: draft.feedback,
        product: draft.product.map(|product| product.id),
        snapshot: draft.snapshot.filter(|_| draft.product.is_some() && spec.tree != Tree::Write),
        round: draft.product.map_or(1, |product| product.round),
        parent: draft.parent.map(|parent| parent.id),
        root: draft.parent.map(|parent| parent.root.unwrap_or(parent.id)),
        trace,
        pipeline: pipeline.to_owned(),
        dedup_key: draft.dedup_key,
        exclusive: spec.tree == Tree::Write,
        budget: MicroUsd::from_usd(spec.budget_usd),
        created_by: actor.to_owned(),
    };
    let id = tx.insert_task(&new, now)?;
    for needs in draft.needs {
        tx.add_need(id, *needs)?;
    }
    let state = if blocked { StateName::Blocked } else { StateName::Pending };
    let data = serde_json::json!({ "type": new.kind, "priority": new.priority, "state": state });
    tx.record(now, &NewEvent::new(EventKind::TaskCreated, actor).task(id).product(new.product).data(data))?;
    Ok(id)
}

/// Applies an event to a task that was just read, and writes where it is now.
pub(super) fn change(tx: &Tx<'_>, task: &TaskRow, event: Event, now: Millis) -> Result<TaskRow, Error> {
    let life = task.life.clone().apply(event, task.limits)?;
    if !tx.update_life(task.id, &task.life.state, &life, now)? {
        return Err(Error::stale_claim());
    }
    Ok(TaskRow { life, ..task.clone() })
}

/// Cancels a task; answers with the token of the claim that ended, if there was one.
pub(super) fn cancel(tx: &Tx<'_>, id: TaskId, reason: &str, actor: &str, now: Millis) -> Result<Option<Token>, Error> {
    let task = tx.task(id)?.ok_or_else(|| no_task(id))?;
    let token = task.life.state.claim().map(|claim| claim.token);
    change(tx, &task, Event::Cancel { reason: reason.to_owned() }, now)?;
    if let Some(attempt) = token.map(|token| tx.attempt_by_token(token)).transpose()?.flatten() {
        tx.end_attempt(attempt.id, Outcome::Cancelled, None, Some(reason), now)?;
        super::accounts::probe_ended(tx, &attempt)?;
    }
    let data = serde_json::json!({ "reason": reason });
    let mut event = NewEvent::new(EventKind::TaskCancelled, actor).task(id).product(task.product).data(data);
    if let Some(claim) = task.life.state.claim() {
        event = event.agent(&claim.agent);
    }
    tx.record(now, &event)?;
    Ok(token)
}

/// Frees the tasks that waited for this one only.
pub(super) fn unblock_dependents(tx: &Tx<'_>, id: TaskId, now: Millis) -> Result<(), Error> {
    for dependent in tx.needed_by(id)? {
        let still = tx.needs_of(dependent)?.into_iter().any(|(_, state)| state != StateName::Done);
        let Some(task) = tx.task(dependent)? else { continue };
        if !still && task.life.state.name() == StateName::Blocked {
            change(tx, &task, Event::Unblock, now)?;
            tx.record(now, &NewEvent::new(EventKind::TaskUnblocked, Principal::System).task(dependent).product(task.product))?;
        }
    }
    Ok(())
}

/// The pipeline of this hash: the rules' own, or the one that a product started with.
pub(super) fn pipeline_of<'r>(reader: &Reader<'_>, rules: &'r Rules, hash: &str) -> Result<Cow<'r, Pipeline>, Error> {
    if hash == rules.pipeline_hash {
        return Ok(Cow::Borrowed(&rules.pipeline));
    }
    let body = reader.pipeline(hash)?.ok_or_else(|| Error::not_found(format!("the pipeline {hash} is not kept here")))?;
    serde_json::from_str(&body)
        .map(Cow::Owned)
        .map_err(|error| Error::unavailable(format!("the pipeline {hash} cannot be read any more: {error}")))
}

pub(super) fn no_task(id: TaskId) -> Error {
    Error::not_found(format!("there is no task {id}")).hint("`claude-tasks list` shows what there is")
}

pub(super) fn no_product(id: i64) -> Error {
    Error::not_found(format!("there is no product {id}")).hint("`claude-swarm products` shows what there is")
}
