//! Carrying out what the pipeline says follows: tasks, approvals, products, rounds. Inside the transaction of what it follows from.

use serde_json::{Value, json};
use uuid::Uuid;

use super::rules::Rules;
use super::tasks::{self, Draft};
use crate::domain::approval::{ApprovalState, binding};
use crate::domain::error::Error;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::name::{NAME_MAX, slug};
use crate::domain::pipeline::words::{CONTINUE, FINDINGS, SUMMARY};
use crate::domain::pipeline::{ApprovalSpec, Executor, Pipeline, Step, Tree};
use crate::domain::principal::Principal;
use crate::domain::product::ProductState;
use crate::domain::schema;
use crate::domain::task::Token;
use crate::domain::time::Millis;
use crate::store::{ApprovalRow, NewApproval, NewProduct, ProductRow, TaskFilter, TaskRow, Tx};

/// From what something follows.
pub(super) struct Cause<'a> {
    /// Who is named in the events.
    pub actor: &'a str,
    /// The task that is done, or that asked.
    pub task: &'a TaskRow,
    /// Its product.
    pub product: Option<ProductRow>,
    /// The files of the product that it is about: what was written, reviewed, tested or decided. The product may have others by now.
    pub snapshot: Option<String>,
    /// The decision that it follows from, if a person decided.
    pub decision: Option<&'a ApprovalRow>,
    /// The claims that ended with what followed: their leases end when it is committed.
    pub ended: Vec<Token>,
}

impl<'a> Cause<'a> {
    pub(super) fn of(actor: &'a str, task: &'a TaskRow, product: Option<ProductRow>, decision: Option<&'a ApprovalRow>) -> Self {
        let snapshot = decision.map_or_else(|| task.snapshot.clone(), |decision| decision.snapshot.clone());
        Self { actor, task, product, snapshot, decision, ended: Vec::new() }
    }
}

/// Says whether the steps can be carried out, before any is; `has_product` and `has_snapshot` say what there will be to begin with.
pub(super) fn check(pipeline: &Pipeline, steps: &[Step], has_product: bool, has_snapshot: bool) -> Result<(), Error> {
    let (mut has_product, mut has_snapshot) = (has_product, has_snapshot);
    for step in steps {
        match step {
            Step::StartProduct { .. } => (has_product, has_snapshot) = (true, false),
            Step::ShelveProduct { .. } => {}
            Step::AskPerson { kind, .. } if has_product => drop(approval_spec(pipeline, kind)?),
            Step::AskPerson { kind, .. } => {
                return Err(Error::invalid(
                    "ask_person",
                    format!("an approval of kind {kind} needs a product, and there is none"),
                ));
            }
            Step::Create { kind, payload, .. } => {
                let spec = pipeline.task_type(kind)?;
                schema::validate(&format!("{kind}.payload"), &spec.payload, payload)?;
                if !has_product && (spec.tree != Tree::None || spec.executor == Executor::Daemon) {
                    return Err(Error::invalid("create", format!("{kind} works on a product, and there is none")));
                }
                if !has_snapshot && spec.tree == Tree::Snapshot {
                    return Err(Error::invalid("create", format!("{kind} works on a snapshot, and the product has none yet")));
                }
            }
        }
    }
    Ok(())
}

fn approval_spec<'p>(pipeline: &'p Pipeline, kind: &str) -> Result<&'p ApprovalSpec, Error> {
    pipeline.approvals.get(kind).ok_or_else(|| Error::invalid("ask_person", format!("there is no approval {kind:?}")))
}

pub(super) fn carry_out(
    tx: &Tx<'_>,
    rules: &Rules,
    pipeline: &Pipeline,
    hash: &str,
    cause: &mut Cause<'_>,
    steps: Vec<Step>,
    now: Millis,
) -> Result<(), Error> {
    for step in steps {
        match step {
            Step::StartProduct { title, idea } => {
                cause.product = Some(start_product(tx, pipeline, hash, cause, &title, idea, now)?);
                cause.snapshot = None;
            }
            Step::ShelveProduct { reason } => shelve(tx, cause, &reason, now)?,
            Step::AskPerson { kind, terms } => ask(tx, rules, pipeline, cause, &kind, terms, now)?,
            Step::Create { kind, payload, priority, dedup, next_round } => {
                if next_round && !open_round(tx, cause, now)? {
                    let terms = json!({
                        SUMMARY: payload.get(SUMMARY).cloned().unwrap_or(Value::Null),
                        FINDINGS: payload.get(FINDINGS).cloned().unwrap_or(Value::Null),
                    });
                    ask(tx, rules, pipeline, cause, CONTINUE, terms, now)?;
                    continue;
                }
                if let Some(key) = &dedup
                    && tx.task_by_dedup_key(key)?.is_some()
                {
                    continue;
                }
                let spec = pipeline.task_type(&kind)?;
                let draft = Draft {
                    kind: &kind,
                    payload,
                    priority,
                    dedup_key: dedup,
                    feedback: None,
                    product: if spec.tree == Tree::None && spec.executor == Executor::Agent {
                        None
                    } else {
                        cause.product.as_ref()
                    },
                    snapshot: cause.snapshot.clone(),
                    parent: Some(cause.task),
                    needs: &[],
                };
                tasks::insert(tx, rules, spec, hash, draft, cause.actor, now)?;
                if spec.executor == Executor::Daemon {
                    intend_publication(tx, cause, now)?;
                }
            }
        }
    }
    Ok(())
}

fn start_product(
    tx: &Tx<'_>,
    pipeline: &Pipeline,
    hash: &str,
    cause: &Cause<'_>,
    title: &str,
    idea: Value,
    now: Millis,
) -> Result<ProductRow, Error> {
    let wish = slug(title);
    let mut name = wish.clone();
    let mut n = 1;
    while tx.slug_taken(&name)? {
        n += 1;
        let suffix = format!("-{n}");
        name = format!("{}{suffix}", &wish[..wish.len().min(NAME_MAX - suffix.len())]);
    }
    let new = NewProduct {
        uuid: Uuid::now_v7().to_string(),
        slug: name,
        title: title.to_owned(),
        idea,
        // The first round is the building itself; each of the next is a time it was sent back.
        round_bound: i64::from(pipeline.max_rounds) + 1,
        pipeline: hash.to_owned(),
    };
    let product = tx.insert_product(&new, now)?;
    let data = json!({ "slug": product.slug, "title": product.title });
    tx.record(
        now,
        &NewEvent::new(EventKind::ProductStarted, cause.actor).task(cause.task.id).product(Some(product.id)).data(data),
    )?;
    Ok(product)
}

fn shelve(tx: &Tx<'_>, cause: &mut Cause<'_>, reason: &str, now: Millis) -> Result<(), Error> {
    let Some(product) = &cause.product else { return Ok(()) };
    tx.set_product_state(product.id, ProductState::Shelved, Some(reason), now)?;
    withdraw_open(tx, product.id, "the product was given up", now)?;
    for task in tx.tasks(&TaskFilter { product: Some(product.id), limit: u32::MAX, ..TaskFilter::default() })? {
        if !task.life.state.name().is_over() {
            cause.ended.extend(tasks::cancel(tx, task.id, "the product was given up", cause.actor, now)?);
        }
    }
    let event = NewEvent::new(EventKind::ProductShelved, cause.actor).product(Some(product.id)).data(json!({ "reason": reason }));
    tx.record(now, &event)?;
    Ok(())
}

/// Opens the product's next round, unless that needs a person. A person's own decision may always go one further.
fn open_round(tx: &Tx<'_>, cause: &mut Cause<'_>, now: Millis) -> Result<bool, Error> {
    let Some(product) = &mut cause.product else { return Ok(true) };
    let next = product.round + 1;
    let bound = if cause.decision.is_some() { product.round_bound.max(next) } else { product.round_bound };
    if next > bound {
        return Ok(false);
    }
    tx.set_round(product.id, next, bound, now)?;
    (product.round, product.round_bound) = (next, bound);
    let event = NewEvent::new(EventKind::ProductRound, cause.actor).task(cause.task.id).product(Some(product.id));
    tx.record(now, &event.data(json!({ "round": next })))?;
    Ok(true)
}

fn ask(
    tx: &Tx<'_>,
    rules: &Rules,
    pipeline: &Pipeline,
    cause: &Cause<'_>,
    kind: &str,
    mut terms: Value,
    now: Millis,
) -> Result<(), Error> {
    let Some(product) = &cause.product else {
        return Err(Error::conflict(format!("an approval of kind {kind} needs a product, and task {} has none", cause.task.id)));
    };
    let spec = approval_spec(pipeline, kind)?;
    if spec.approve.iter().any(|action| pipeline.publishes(action)) {
        // What will leave the home, and to where, is part of what is agreed to.
        terms["outlet"] = json!(rules.publish.outlet);
        terms["account"] = json!(rules.publish.account);
        terms["visibility"] = json!(rules.publish.visibility);
    }
    withdraw_open(tx, product.id, "a newer question took its place", now)?;
    let new = NewApproval {
        uuid: Uuid::now_v7().to_string(),
        kind: kind.to_owned(),
        question: spec.question.clone(),
        product: product.id,
        task: cause.task.id,
        snapshot: cause.snapshot.clone(),
        binding: binding(kind, cause.snapshot.as_deref(), &terms),
        terms,
    };
    let id = tx.insert_approval(&new, now)?;
    let data = json!({ "kind": kind, "question": new.question, "snapshot": new.snapshot });
    let event =
        NewEvent::new(EventKind::ApprovalRequested, cause.actor).task(cause.task.id).product(Some(product.id)).approval(id);
    tx.record(now, &event.data(data))?;
    Ok(())
}

fn withdraw_open(tx: &Tx<'_>, product: i64, reason: &str, now: Millis) -> Result<(), Error> {
    for open in tx.open_approvals_of(product)? {
        tx.close_approval(open.id, ApprovalState::Withdrawn, &Principal::System.to_string(), Some(reason), now)?;
        let data = json!({ "kind": open.kind, "reason": reason });
        let event = NewEvent::new(EventKind::ApprovalWithdrawn, Principal::System)
            .task(open.task)
            .product(Some(product))
            .approval(open.id);
        tx.record(now, &event.data(data))?;
    }
    Ok(())
}

/// The intent is in the transaction of the decision that allows it; nothing is sent before.
fn intend_publication(tx: &Tx<'_>, cause: &Cause<'_>, now: Millis) -> Result<(), Error> {
    let Some(approval) = cause.decision else {
        return Err(Error::denied("publishing follows a person's decision only"));
    };
    // Where it goes is what the person agreed to, whatever the settings say by now.
    let outlet = approval.terms.get("outlet").and_then(Value::as_str);
    let outlet = outlet.ok_or_else(|| Error::denied(format!("the terms of approval {} name no outlet", approval.id)))?;
    tx.insert_publication(&approval.uuid, approval.id, approval.product, outlet, now)?;
    let data = json!({ "outlet": outlet, "kind": approval.kind });
    let event = NewEvent::new(EventKind::PublicationIntended, cause.actor)
        .product(Some(approval.product))
        .approval(approval.id)
        .data(data);
    tx.record(now, &event)?;
    Ok(())
}
