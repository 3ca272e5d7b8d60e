//! Attempts: one row for each claim, with what it cost.

use rusqlite::{OptionalExtension, Row, named_params};

use super::error::StoreError;
use super::tasks::{agent_name, word_or_none};
use super::{Reader, Tx};
use crate::domain::budget::{MicroUsd, Usage};
use crate::domain::failure::FailureClass;
use crate::domain::name::AgentName;
use crate::domain::task::{Outcome, TaskId, Token};
use crate::domain::time::Millis;

/// An attempt as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// Its number among all attempts.
    pub id: i64,
    /// Of which task.
    pub task: TaskId,
    /// Its number among the task's, from 1.
    pub number: i64,
    /// Who made it.
    pub agent: AgentName,
    /// In which session; none for the daemon's own.
    pub session: Option<i64>,
    /// Its claim's fencing token.
    pub token: Token,
    /// The CLI.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The login or key.
    pub account: String,
    /// The CLI's conversation.
    pub conversation: String,
    /// SHA-256 of the system prompt it ran with.
    pub prompt: String,
    /// The most it may cost.
    pub budget: MicroUsd,
    /// When it was claimed.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The class of its failure.
    pub class: Option<FailureClass>,
    /// What there is to say about its end.
    pub detail: Option<String>,
    /// What it cost so far.
    pub cost: MicroUsd,
    /// What it used so far.
    pub usage: Usage,
    /// The number of the worker's last report about it.
    pub report: i64,
    /// When its sandbox was known to be gone.
    pub released_at: Option<Millis>,
}

/// What an attempt begins with.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// See [`AttemptRow::task`].
    pub task: TaskId,
    /// See [`AttemptRow::agent`].
    pub agent: AgentName,
    /// See [`AttemptRow::session`].
    pub session: Option<i64>,
    /// See [`AttemptRow::token`].
    pub token: Token,
    /// See [`AttemptRow::provider`].
    pub provider: String,
    /// See [`AttemptRow::model`].
    pub model: String,
    /// See [`AttemptRow::account`].
    pub account: String,
    /// See [`AttemptRow::conversation`].
    pub conversation: String,
    /// See [`AttemptRow::prompt`].
    pub prompt: String,
    /// See [`AttemptRow::budget`].
    pub budget: MicroUsd,
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        id: row.get("id")?,
        task: row.get("task")?,
        number: row.get("number")?,
        agent: agent_name(row, "agent")?,
        session: row.get("session")?,
        token: Token { epoch: row.get("epoch")?, n: row.get("n")? },
        provider: row.get("provider")?,
        model: row.get("model")?,
        account: row.get("account")?,
        conversation: row.get("conversation")?,
        prompt: row.get("prompt")?,
        budget: MicroUsd(row.get("budget")?),
        started_at: Millis(row.get("started_at")?),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(Millis),
        outcome: word_or_none(row, "outcome", Outcome::parse)?,
        class: word_or_none(row, "class", FailureClass::parse)?,
        detail: row.get("detail")?,
        cost: MicroUsd(row.get("cost")?),
        usage: Usage {
            input: row.get::<_, i64>("input")?.unsigned_abs(),
            output: row.get::<_, i64>("output")?.unsigned_abs(),
            cache_read: row.get::<_, i64>("cache_read")?.unsigned_abs(),
            cache_write: row.get::<_, i64>("cache_write")?.unsigned_abs(),
        },
        report: row.get("report")?,
        released_at: row.get::<_, Option<i64>>("released_at")?.map(Millis),
    })
}

/// Counters are kept as SQLite's signed integers.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Reader<'_> {
    /// The attempts at a task, first to last.
    ///
    /// # Errors
    /// The database's.
    pub fn attempts_of(&self, task: TaskId) -> Result<Vec<AttemptRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM attempts WHERE task = ?1 ORDER BY number")?;
        Ok(statement.query_map([task], attempt)?.collect::<Result<_, _>>()?)
    }

    /// The attempt under a token.
    ///
    /// # Errors
    /// The database's.
    pub fn attempt_by_token(&self, token: Token) -> Result<Option<AttemptRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM attempts WHERE epoch = ?1 AND n = ?2")?;
        Ok(statement.query_row((token.epoch, token.n), attempt).optional()?)
    }

    /// The attempts whose sandbox may still run.
    ///
    /// # Errors
    /// The database's.
    pub fn unreleased_attempts(&self) -> Result<Vec<AttemptRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM attempts WHERE released_at IS NULL ORDER BY id")?;
        Ok(statement.query_map([], attempt)?.collect::<Result<_, _>>()?)
    }

    /// What the attempts under way may still spend.
    ///
    /// # Errors
    /// The database's.
    pub fn reserved(&self) -> Result<MicroUsd, StoreError> {
        let sql = "SELECT coalesce(sum(max(budget - cost, 0)), 0) FROM attempts WHERE released_at IS NULL";
        Ok(MicroUsd(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
    }
}

impl Tx<'_> {
    /// Begins an attempt; its number is the task's next.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_attempt(&self, new: &NewAttempt, now: Millis) -> Result<AttemptRow, StoreError> {
        let sql = "INSERT INTO attempts (task, number, agent, session, epoch, n, provider, model, account, conversation, prompt, budget,
                     started_at)
                   VALUES (:task, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE task = :task), :agent, :session, :epoch, :n,
                     :provider, :model, :account, :conversation, :prompt, :budget, :now)
                   RETURNING *";
        Ok(self.connection.prepare_cached(sql)?.query_row(
            named_params! {
                ":task": new.task, ":agent": new.agent.as_str(), ":session": new.session, ":epoch": new.token.epoch, ":n": new.token.n,
                ":provider": new.provider, ":model": new.model, ":account": new.account, ":conversation": new.conversation,
                ":prompt": new.prompt, ":budget": new.budget.0, ":now": now.0,
            },
            attempt,
        )?)
    }

    /// Writes what an attempt has used and cost until now.
    ///
    /// # Errors
    /// The database's.
    pub fn set_usage(&self, id: i64, report: i64, usage: &Usage, cost: MicroUsd) -> Result<(), StoreError> {
        let sql = "UPDATE attempts SET report = ?2, input = ?3, output = ?4, cache_read = ?5, cache_write = ?6, cost = ?7 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((
            id,
            report,
            signed(usage.input),
            signed(usage.output),
            signed(usage.cache_read),
            signed(usage.cache_write),
            cost.0,
        ))?;
        Ok(())
    }

    /// Ends an attempt. An end that is already written stays.
    ///
    /// # Errors
    /// The database's.
    pub fn end_attempt(
        &self,
        id: i64,
        outcome: Outcome,
        class: Option<FailureClass>,
        detail: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE attempts SET outcome = ?2, class = ?3, detail = ?4, ended_at = ?5 WHERE id = ?1 AND ended_at IS NULL";
        self.connection.prepare_cached(sql)?.execute((id, outcome.as_str(), class.map(FailureClass::name), detail, now.0))?;
        Ok(())
    }

    /// Notes that an attempt's sandbox is gone.
    ///
    /// # Errors
    /// The database's.
    pub fn release_attempt(&self, id: i64, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE attempts SET released_at = ?2 WHERE id = ?1 AND released_at IS NULL";
        self.connection.prepare_cached(sql)?.execute((id, now.0))?;
        Ok(())
    }
}
