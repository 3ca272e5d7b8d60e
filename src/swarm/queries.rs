//! What can be looked at. Reading needs no principal here: who may see what is decided at the door (`server`).

use super::Swarm;
use super::approvals::no_approval;
use super::tasks::no_task;
use crate::domain::approval::ApprovalId;
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::snapshot::Manifest;
use crate::domain::task::{StateName, TaskId};
use crate::domain::time::Millis;
use crate::store::{ApprovalRow, ArtifactRow, AttemptRow, IncomeRow, ProductRow, PublicationRow, Reader, TaskFilter, TaskRow};

/// Everything about one task.
#[derive(Debug, Clone)]
pub struct TaskDetail {
    /// The task.
    pub task: TaskRow,
    /// Its attempts, first to last.
    pub attempts: Vec<AttemptRow>,
    /// What it left behind.
    pub artifacts: Vec<ArtifactRow>,
    /// What happened to it.
    pub events: Vec<Event>,
    /// What it needs.
    pub needs: Vec<(TaskId, StateName)>,
    /// Its product.
    pub product: Option<ProductRow>,
}

impl Swarm {
    /// Tasks, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn tasks(&self, filter: TaskFilter) -> Result<Vec<TaskRow>, Error> {
        self.store.read(move |reader| Ok(reader.tasks(&filter)?)).await
    }

    /// Everything about one task.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn task(&self, id: TaskId) -> Result<TaskDetail, Error> {
        self.store
            .read(move |reader| {
                let task = reader.task(id)?.ok_or_else(|| no_task(id))?;
                Ok(TaskDetail {
                    attempts: reader.attempts_of(id)?,
                    artifacts: reader.artifacts_of(id)?,
                    events: reader.events_of_task(id)?,
                    needs: reader.needs_of(id)?,
                    product: task.product.map(|product| reader.product(product)).transpose()?.flatten(),
                    task,
                })
            })
            .await
    }

    /// When the first of the tasks that wait for their time may be claimed.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next_due(&self) -> Result<Option<Millis>, Error> {
        let now = self.now();
        self.store.read(move |reader| Ok(reader.next_not_before(now)?)).await
    }

    /// The events after a sequence number, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<Event>, Error> {
        self.store.read(move |reader| Ok(reader.events_after(seq, limit)?)).await
    }

    /// The newest events, oldest of them first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn newest_events(&self, limit: u32) -> Result<Vec<Event>, Error> {
        self.store.read(move |reader| Ok(reader.newest_events(limit)?)).await
    }

    /// Approvals, oldest first: the open ones, or all.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn approvals(&self, all: bool) -> Result<Vec<(ApprovalRow, Option<ProductRow>)>, Error> {
        self.store.read(move |reader| with_products(reader, reader.approvals(all)?)).await
    }

    /// One approval, its product, and the files it is about.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn approval(&self, id: ApprovalId) -> Result<(ApprovalRow, Option<ProductRow>, Manifest), Error> {
        self.store
            .read(move |reader| {
                let row = reader.approval(id)?.ok_or_else(|| no_approval(id))?;
                let manifest = match row.snapshot.as_deref() {
                    None => Manifest::default(),
                    Some(hash) => reader.snapshot(hash)?.ok_or_else(|| {
                        Error::conflict(format!("the files of approval {id} are not kept any more"))
                            .hint("reject it, so that they are made again")
                    })?,
                };
                let product = reader.product(row.product)?;
                Ok((row, product, manifest))
            })
            .await
    }

    /// The files of a snapshot.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn snapshot(&self, hash: String) -> Result<Manifest, Error> {
        let missing = Error::not_found(format!("there is no snapshot {}", crate::domain::text::one_line(&hash, 70)));
        self.store.read(move |reader| reader.snapshot(&hash)?.ok_or(missing)).await
    }

    /// Products, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn products(&self) -> Result<Vec<ProductRow>, Error> {
        self.store.read(|reader| Ok(reader.products()?)).await
    }

    /// Publications, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn publications(&self) -> Result<Vec<PublicationRow>, Error> {
        self.store.read(|reader| Ok(reader.publications()?)).await
    }

    /// Income, oldest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn income(&self) -> Result<Vec<IncomeRow>, Error> {
        self.store.read(|reader| Ok(reader.income()?)).await
    }
}

/// Approvals with the products that they are about.
pub(super) fn with_products(
    reader: &Reader<'_>,
    rows: Vec<ApprovalRow>,
) -> Result<Vec<(ApprovalRow, Option<ProductRow>)>, Error> {
    let mut pairs = Vec::with_capacity(rows.len());
    for row in rows {
        let product = reader.product(row.product)?;
        pairs.push((row, product));
    }
    Ok(pairs)
}
