//! Approvals.

use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

use super::error::StoreError;
use super::tasks::{json, word};
use super::{Reader, Tx};
use crate::domain::approval::{ApprovalId, ApprovalState, binding};
use crate::domain::time::Millis;

/// An approval as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRow {
    /// Its number.
    pub id: ApprovalId,
    /// Its name outside the home.
    pub uuid: String,
    /// What is to be decided: `build`, `publish`, `post`, `continue`.
    pub kind: String,
    /// Where it is.
    pub state: ApprovalState,
    /// What the person is asked.
    pub question: String,
    /// About which product.
    pub product: i64,
    /// The task that asked.
    pub task: i64,
    /// Exactly which bytes.
    pub snapshot: Option<String>,
    /// What else is agreed to.
    pub terms: Value,
    /// The hash over kind, snapshot and terms.
    pub binding: String,
    /// When it was asked.
    pub created_at: Millis,
    /// When it was decided.
    pub decided_at: Option<Millis>,
    /// By whom.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// What an approval begins with.
#[derive(Debug, Clone)]
pub struct NewApproval {
    /// See [`ApprovalRow::uuid`].
    pub uuid: String,
    /// See [`ApprovalRow::kind`].
    pub kind: String,
    /// See [`ApprovalRow::question`].
    pub question: String,
    /// See [`ApprovalRow::product`].
    pub product: i64,
    /// See [`ApprovalRow::task`].
    pub task: i64,
    /// See [`ApprovalRow::snapshot`].
    pub snapshot: Option<String>,
    /// See [`ApprovalRow::terms`].
    pub terms: Value,
    /// See [`ApprovalRow::binding`].
    pub binding: String,
}

impl ApprovalRow {
    /// Whether its snapshot and terms are those that were asked about.
    pub fn is_bound(&self) -> bool {
        self.binding == binding(&self.kind, self.snapshot.as_deref(), &self.terms)
    }
}

fn approval(row: &Row<'_>) -> rusqlite::Result<ApprovalRow> {
    Ok(ApprovalRow {
        id: row.get("id")?,
        uuid: row.get("uuid")?,
        kind: row.get("kind")?,
        state: word(row, "state", ApprovalState::parse)?,
        question: row.get("question")?,
        product: row.get("product")?,
        task: row.get("task")?,
        snapshot: row.get("snapshot")?,
        terms: json(row, "terms")?,
        binding: row.get("binding")?,
        created_at: Millis(row.get("created_at")?),
        decided_at: row.get::<_, Option<i64>>("decided_at")?.map(Millis),
        decided_by: row.get("decided_by")?,
        reason: row.get("reason")?,
    })
}

impl Reader<'_> {
    /// The approval with this number.
    ///
    /// # Errors
    /// The database's.
    pub fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM approvals WHERE id = ?1")?;
        Ok(statement.query_row([id], approval).optional()?)
    }

    /// Approvals, oldest first: the open ones, or all.
    ///
    /// # Errors
    /// The database's.
    pub fn approvals(&self, all: bool) -> Result<Vec<ApprovalRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM approvals WHERE ?1 OR state = 'open' ORDER BY id")?;
        Ok(statement.query_map([all], approval)?.collect::<Result<_, _>>()?)
    }

    /// The open approvals about a product.
    ///
    /// # Errors
    /// The database's.
    pub fn open_approvals_of(&self, product: i64) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = "SELECT * FROM approvals WHERE product = ?1 AND state = 'open' ORDER BY id";
        Ok(self.connection.prepare_cached(sql)?.query_map([product], approval)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Asks.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_approval(&self, new: &NewApproval, now: Millis) -> Result<ApprovalId, StoreError> {
        let sql = "INSERT INTO approvals (uuid, kind, state, question, product, task, snapshot, terms, binding, created_at)
                   VALUES (?1, ?2, 'open', ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = (
            &new.uuid,
            &new.kind,
            &new.question,
            new.product,
            new.task,
            &new.snapshot,
            new.terms.to_string(),
            &new.binding,
            now.0,
        );
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Closes an approval that is still open, and answers whether it was: a decision falls once.
    ///
    /// # Errors
    /// The database's.
    pub fn close_approval(
        &self,
        id: ApprovalId,
        to: ApprovalState,
        by: &str,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let sql =
            "UPDATE approvals SET state = ?2, decided_by = ?3, reason = ?4, decided_at = ?5 WHERE id = ?1 AND state = 'open'";
        Ok(self.connection.prepare_cached(sql)?.execute((id, to.as_str(), by, reason, now.0))? == 1)
    }
}
