//! Tasks and what they need.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::Value;

use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::budget::MicroUsd;
use crate::domain::name::AgentName;
use crate::domain::task::{Claim, Life, Limits, State, StateName, TaskId, Token};
use crate::domain::time::Millis;

/// A task as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// Its number.
    pub id: TaskId,
    /// Its name outside the home.
    pub uuid: String,
    /// Its type.
    pub kind: String,
    /// Where it is in its life.
    pub life: Life,
    /// How often it may be tried.
    pub limits: Limits,
    /// 1 to 10, 10 first.
    pub priority: i64,
    /// What is asked.
    pub payload: Value,
    /// What was answered.
    pub result: Option<Value>,
    /// The answer's verdict.
    pub verdict: Option<String>,
    /// Why the last attempt or round was refused, for the next one.
    pub feedback: Option<String>,
    /// The product it is for.
    pub product: Option<i64>,
    /// The product's files that it is about, where it does not write them.
    pub snapshot: Option<String>,
    /// The product's round it belongs to, from 1.
    pub round: i64,
    /// The task that led to it.
    pub parent: Option<TaskId>,
    /// The first task of its line.
    pub root: Option<TaskId>,
    /// One name for everything that came of one cause.
    pub trace: String,
    /// Of the pipeline it follows.
    pub pipeline: String,
    /// The key under which it was created, if it was.
    pub dedup_key: Option<String>,
    /// Whether it needs its product's tree to itself.
    pub exclusive: bool,
    /// The most that one attempt may cost.
    pub budget: MicroUsd,
    /// Who created it.
    pub created_by: String,
    /// When.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// What a task is made of.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// See [`TaskRow::uuid`].
    pub uuid: String,
    /// See [`TaskRow::kind`].
    pub kind: String,
    /// Whether it waits for others.
    pub blocked: bool,
    /// See [`TaskRow::limits`].
    pub limits: Limits,
    /// See [`TaskRow::priority`].
    pub priority: i64,
    /// See [`TaskRow::payload`].
    pub payload: Value,
    /// See [`TaskRow::feedback`].
    pub feedback: Option<String>,
    /// See [`TaskRow::product`].
    pub product: Option<i64>,
    /// See [`TaskRow::snapshot`].
    pub snapshot: Option<String>,
    /// See [`TaskRow::round`].
    pub round: i64,
    /// See [`TaskRow::parent`].
    pub parent: Option<TaskId>,
    /// See [`TaskRow::root`].
    pub root: Option<TaskId>,
    /// See [`TaskRow::trace`].
    pub trace: String,
    /// See [`TaskRow::pipeline`].
    pub pipeline: String,
    /// See [`TaskRow::dedup_key`].
    pub dedup_key: Option<String>,
    /// See [`TaskRow::exclusive`].
    pub exclusive: bool,
    /// See [`TaskRow::budget`].
    pub budget: MicroUsd,
    /// See [`TaskRow::created_by`].
    pub created_by: String,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only in this state.
    pub state: Option<StateName>,
    /// Only of this type.
    pub kind: Option<String>,
    /// Only for this product.
    pub product: Option<i64>,
    /// Only with numbers below this one: the next page.
    pub before: Option<TaskId>,
    /// At most so many.
    pub limit: u32,
}

/// JSON from a column. What is not JSON there cannot have come from us, and is shown as a string.
pub(super) fn json(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A column whose text the schema's CHECK limits, read back as the value it names.
pub(super) fn word<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| {
        let error = format!("{column} holds {text:?}").into();
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error)
    })
}

/// The same, where the column may be empty.
pub(super) fn word_or_none<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
    let empty = row.get_ref(column)?.data_type() == rusqlite::types::Type::Null;
    if empty { Ok(None) } else { word(row, column, parse).map(Some) }
}

pub(super) fn agent_name(row: &Row<'_>, column: &str) -> rusqlite::Result<AgentName> {
    word(row, column, |text| text.parse().ok())
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let name = word(row, "state", StateName::parse)?;
    let claim = || -> rusqlite::Result<Claim> {
        Ok(Claim {
            agent: agent_name(row, "claim_agent")?,
            token: Token { epoch: row.get("claim_epoch")?, n: row.get("claim_n")? },
            session: row.get("claim_session")?,
        })
    };
    Ok(match name {
        StateName::Blocked => State::Blocked,
        StateName::Pending => State::Pending,
        StateName::Claimed => State::Claimed(claim()?),
        StateName::Running => State::Running(claim()?),
        StateName::Validating => State::Validating(claim()?),
        StateName::Done => State::Done,
        StateName::Failed => State::Failed,
        StateName::Cancelled => State::Cancelled,
    })
}

fn task(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: row.get("id")?,
        uuid: row.get("uuid")?,
        kind: row.get("type")?,
        life: Life {
            state: state(row)?,
            attempts: row.get("attempts")?,
            losses: row.get("losses")?,
            free: row.get("free")?,
            not_before: Millis(row.get("not_before")?),
            reason: row.get("reason")?,
        },
        limits: Limits { attempts: row.get("max_attempts")?, losses: row.get("max_losses")?, free: row.get("max_free")? },
        priority: row.get("priority")?,
        payload: json(row, "payload")?,
        result: row.get::<_, Option<String>>("result")?.and_then(|text| serde_json::from_str(&text).ok()),
        verdict: row.get("verdict")?,
        feedback: row.get("feedback")?,
        product: row.get("product")?,
        snapshot: row.get("snapshot")?,
        round: row.get("round")?,
        parent: row.get("parent")?,
        root: row.get("root")?,
        trace: row.get("trace")?,
        pipeline: row.get("pipeline")?,
        dedup_key: row.get("dedup_key")?,
        exclusive: row.get("exclusive")?,
        budget: MicroUsd(row.get("budget")?),
        created_by: row.get("created_by")?,
        created_at: Millis(row.get("created_at")?),
        updated_at: Millis(row.get("updated_at")?),
    })
}

impl Reader<'_> {
    /// The task with this number.
    ///
    /// # Errors
    /// The database's.
    pub fn task(&self, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM tasks WHERE id = ?1")?;
        Ok(statement.query_row([id], task).optional()?)
    }

    /// The task that was created under this key.
    ///
    /// # Errors
    /// The database's.
    pub fn task_by_dedup_key(&self, key: &str) -> Result<Option<TaskRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM tasks WHERE dedup_key = ?1")?;
        Ok(statement.query_row([key], task).optional()?)
    }

    /// Tasks, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "SELECT * FROM tasks
                   WHERE (:state IS NULL OR state = :state) AND (:kind IS NULL OR type = :kind)
                     AND (:product IS NULL OR product = :product) AND (:before IS NULL OR id < :before)
                   ORDER BY id DESC LIMIT :limit";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(
            named_params! {":state": filter.state.map(StateName::as_str), ":kind": filter.kind, ":product": filter.product,
            ":before": filter.before, ":limit": filter.limit},
            task,
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The tasks under a claim, by number.
    ///
    /// # Errors
    /// The database's.
    pub fn held_tasks(&self) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "SELECT * FROM tasks WHERE state IN ('claimed', 'running', 'validating') ORDER BY id";
        Ok(self.connection.prepare_cached(sql)?.query_map([], task)?.collect::<Result<_, _>>()?)
    }

    /// How many tasks are in each state; states without any are left out.
    ///
    /// # Errors
    /// The database's.
    pub fn task_counts(&self) -> Result<Vec<(StateName, i64)>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT state, count(*) AS n FROM tasks GROUP BY state")?;
        let rows = statement.query_map([], |row| Ok((word(row, "state", StateName::parse)?, row.get("n")?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a worker that takes these types should do next: highest priority, then age. Leaves out what may not be claimed yet, what needs a
    /// product's tree that another attempt may still be writing to, and what may cost more than `most`.
    ///
    /// # Errors
    /// The database's.
    pub fn next_ready(&self, types: &[String], most: MicroUsd, now: Millis) -> Result<Option<TaskRow>, StoreError> {
        let sql = "SELECT t.* FROM tasks t
                   WHERE t.state = 'pending' AND t.type = ?1 AND t.not_before <= ?2 AND t.budget <= ?3
                     AND (t.exclusive = 0 OR t.product IS NULL OR NOT EXISTS (
                       SELECT 1 FROM attempts a JOIN tasks o ON o.id = a.task
                       WHERE a.released_at IS NULL AND o.product = t.product AND o.exclusive = 1))
                     AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.task = t.id AND a.released_at IS NULL)
                   ORDER BY t.priority DESC, t.id LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut best: Option<TaskRow> = None;
        for kind in types {
            let found = statement.query_row((kind, now.0, most.0), task).optional()?;
            best = best.into_iter().chain(found).min_by_key(|row| (-row.priority, row.id));
        }
        Ok(best)
    }

    /// When the first of the tasks that wait for their time may be claimed.
    ///
    /// # Errors
    /// The database's.
    pub fn next_not_before(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT min(not_before) FROM tasks WHERE state = 'pending' AND not_before > ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row([now.0], |row| row.get::<_, Option<i64>>(0))?.map(Millis))
    }

    /// What a task needs, as (number, state).
    ///
    /// # Errors
    /// The database's.
    pub fn needs_of(&self, id: TaskId) -> Result<Vec<(TaskId, StateName)>, StoreError> {
        let sql = "SELECT t.id, t.state FROM task_needs n JOIN tasks t ON t.id = n.needs WHERE n.task = ?1 ORDER BY t.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([id], |row| Ok((row.get("id")?, word(row, "state", StateName::parse)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The tasks that need this one.
    ///
    /// # Errors
    /// The database's.
    pub fn needed_by(&self, id: TaskId) -> Result<Vec<TaskId>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT task FROM task_needs WHERE needs = ?1 ORDER BY task")?;
        Ok(statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether `from` needs `to`, directly or through others.
    ///
    /// # Errors
    /// The database's.
    pub fn needs_transitively(&self, from: TaskId, to: TaskId) -> Result<bool, StoreError> {
        let sql = "WITH RECURSIVE reach(id) AS (VALUES (?1) UNION SELECT n.needs FROM task_needs n JOIN reach r ON n.task = r.id)
                   SELECT EXISTS (SELECT 1 FROM reach WHERE id = ?2)";
        Ok(self.connection.prepare_cached(sql)?.query_row((from, to), |row| row.get(0))?)
    }
}

impl Tx<'_> {
    /// Adds a task.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_task(&self, new: &NewTask, now: Millis) -> Result<TaskId, StoreError> {
        let sql = "INSERT INTO tasks (uuid, type, state, priority, payload, feedback, product, snapshot, round, parent, root, trace, pipeline,
                     dedup_key, exclusive, budget, max_attempts, max_losses, max_free, created_by, created_at, updated_at)
                   VALUES (:uuid, :type, :state, :priority, :payload, :feedback, :product, :snapshot, :round, :parent, :root, :trace, :pipeline,
                     :dedup_key, :exclusive, :budget, :attempts, :losses, :free, :created_by, :now, :now)";
        self.connection.prepare_cached(sql)?.execute(named_params! {
            ":uuid": new.uuid, ":type": new.kind,
            ":state": if new.blocked { StateName::Blocked } else { StateName::Pending }.as_str(),
            ":priority": new.priority, ":payload": new.payload.to_string(), ":feedback": new.feedback, ":product": new.product,
            ":snapshot": new.snapshot, ":round": new.round, ":parent": new.parent, ":root": new.root, ":trace": new.trace, ":pipeline": new.pipeline,
            ":dedup_key": new.dedup_key, ":exclusive": new.exclusive, ":budget": new.budget.0, ":attempts": new.limits.attempts,
            ":losses": new.limits.losses, ":free": new.limits.free, ":created_by": new.created_by, ":now": now.0,
        })?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Says that `task` needs `needs`. Saying it twice is once.
    ///
    /// # Errors
    /// The database's.
    pub fn add_need(&self, task: TaskId, needs: TaskId) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO task_needs (task, needs) VALUES (?1, ?2)")?
            .execute((task, needs))?;
        Ok(())
    }

    /// Writes where a task is now, if it still is where the caller saw it: the state and, where there is one, the token. Answers
    /// whether it was.
    ///
    /// # Errors
    /// The database's.
    pub fn update_life(&self, id: TaskId, seen: &State, life: &Life, now: Millis) -> Result<bool, StoreError> {
        let sql =
            "UPDATE tasks SET state = :state, attempts = :attempts, losses = :losses, free = :free, not_before = :not_before,
                     reason = :reason, claim_agent = :agent, claim_epoch = :epoch, claim_n = :n, claim_session = :session,
                     updated_at = :now
                   WHERE id = :id AND state = :seen AND claim_n IS :seen_n AND claim_epoch IS :seen_epoch";
        let claim = life.state.claim();
        let seen_token = seen.claim().map(|claim| claim.token);
        let changed = self.connection.prepare_cached(sql)?.execute(named_params! {
            ":id": id, ":state": life.state.name().as_str(), ":attempts": life.attempts, ":losses": life.losses, ":free": life.free,
            ":not_before": life.not_before.0, ":reason": life.reason, ":agent": claim.map(|c| c.agent.as_str()),
            ":epoch": claim.map(|c| c.token.epoch), ":n": claim.map(|c| c.token.n), ":session": claim.and_then(|c| c.session),
            ":now": now.0, ":seen": seen.name().as_str(), ":seen_n": seen_token.map(|t| t.n), ":seen_epoch": seen_token.map(|t| t.epoch),
        })?;
        Ok(changed == 1)
    }

    /// Writes a task's answer.
    ///
    /// # Errors
    /// The database's.
    pub fn set_result(&self, id: TaskId, result: &Value, verdict: &str) -> Result<(), StoreError> {
        let sql = "UPDATE tasks SET result = ?2, verdict = ?3 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((id, result.to_string(), verdict))?;
        Ok(())
    }

    /// Writes what the next attempt should know.
    ///
    /// # Errors
    /// The database's.
    pub fn set_feedback(&self, id: TaskId, feedback: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("UPDATE tasks SET feedback = ?2 WHERE id = ?1")?.execute((id, feedback))?;
        Ok(())
    }
}
