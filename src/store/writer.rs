//! The writer: one thread, one connection. It drains its channel and commits what it drained as one transaction, each operation in
//! a savepoint of its own. Answers go out after the commit, so every answer is durable and the disk is asked once for many.

use std::any::Any;
use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::error::StoreError;
use super::reader::Reader;
use crate::domain::error::Error;

/// The most operations in one transaction: bounds how long the first of them waits for its answer.
const BATCH_MAX: usize = 256;

/// Operations that may wait for the writer before callers have to.
const QUEUE: usize = 4096;

/// An operation that ran, to be told whether its transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
type Job = Box<dyn FnOnce(Result<(&Connection, &Cell<i64>), Error>) -> Answer + Send>;

/// The database as an operation sees it: everything a [`Reader`] can, and writing.
pub struct Tx<'c> {
    pub(super) reader: Reader<'c>,
    pub(super) last_event: &'c Cell<i64>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

/// The way to the writer's thread. Cheap to clone; the thread ends when the last one is gone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    events: watch::Receiver<i64>,
    sealed: Arc<OnceLock<String>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, last_event: i64) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (publish, events) = watch::channel(last_event);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&connection, queue, &publish))
            .map(drop)
            .unwrap_or_else(|error| tracing::error!(%error, "the store's thread did not start"));
        Self { jobs, events, sealed: Arc::new(OnceLock::new()) }
    }

    /// Runs an operation, and `after` when it is on the disk: in the order of the commits, and whether or not anybody still waits.
    pub(super) async fn run<T, F, A>(&self, operation: F, after: A) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        if let Some(why) = self.sealed.get() {
            return Err(Error::unavailable(why.clone()).hint(super::error::WAY_OUT));
        }
        let (send, receive) = oneshot::channel();
        let job: Job = Box::new(move |begun| {
            let outcome = begun.and_then(|(connection, last_event)| in_savepoint(connection, last_event, operation));
            Box::new(move |committed| {
                let outcome = committed.and(outcome);
                if let Ok(done) = &outcome {
                    after(done);
                }
                // Nobody waits any more where the caller went away; the change stands all the same.
                drop(send.send(outcome));
            })
        });
        let closed = || Error::unavailable("the store is closed");
        self.jobs.send(job).await.map_err(|_| closed())?;
        receive.await.map_err(|_| closed())?
    }

    pub(super) fn follow(&self) -> watch::Receiver<i64> {
        self.events.clone()
    }

    pub(super) fn seal(&self, why: String) {
        drop(self.sealed.set(why));
    }
}

fn in_savepoint<T, F>(connection: &Connection, last_event: &Cell<i64>, operation: F) -> Result<T, Error>
where
    F: FnOnce(&Tx<'_>) -> Result<T, Error>,
{
    let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(StoreError::from);
    run("SAVEPOINT operation")?;
    let before = last_event.get();
    // A fault in one operation is that operation's: the thread lives on for all others.
    let run_it = || operation(&Tx { reader: Reader { connection }, last_event });
    let outcome = catch_unwind(AssertUnwindSafe(run_it)).unwrap_or_else(|panic| Err(broke_down(panic.as_ref())));
    if outcome.is_err() && !connection.is_autocommit() {
        last_event.set(before);
        run("ROLLBACK TO operation")?;
    }
    if !connection.is_autocommit() {
        run("RELEASE operation")?;
    }
    outcome
}

fn broke_down(panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("it did not say why");
    tracing::error!(panic = said, "an operation broke down");
    Error::unavailable(format!("the operation broke down ({said}); nothing was changed"))
        .hint("this is a fault of the daemon: its log says more")
}

fn work(connection: &Connection, mut queue: mpsc::Receiver<Job>, publish: &watch::Sender<i64>) {
    let last_event = Cell::new(*publish.borrow());
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while queue.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        let mut jobs = batch.drain(..);
        while jobs.len() > 0 {
            commit(connection, &last_event, &mut jobs, publish);
        }
    }
}

/// Runs jobs in one transaction until there are none left, or until SQLite gave the transaction up under them (a full disk does
/// that): then none of what ran has happened, and the rest begins anew.
fn commit(connection: &Connection, last_event: &Cell<i64>, jobs: &mut impl Iterator<Item = Job>, publish: &watch::Sender<i64>) {
    let before = last_event.get();
    let mut answers = Vec::new();
    let mut result = connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    for job in jobs {
        let begun = if connection.is_autocommit() {
            Err(Error::unavailable("no transaction could begin"))
        } else {
            Ok((connection, last_event))
        };
        answers.push(job(begun));
        if connection.is_autocommit() {
            break;
        }
    }
    if result.is_ok() {
        result = if connection.is_autocommit() {
            Err(StoreError(full_disk()))
        } else {
            connection.execute_batch("COMMIT").map_err(StoreError::from)
        };
    }
    if !connection.is_autocommit() {
        // A failed commit leaves the transaction open. Failing to roll it back would show as the next BEGIN's error.
        drop(connection.execute_batch("ROLLBACK"));
    }
    match result {
        Ok(()) => {
            for answer in answers {
                answer(Ok(()));
            }
            if last_event.get() != before {
                publish.send_replace(last_event.get());
            }
        }
        Err(error) => {
            last_event.set(before);
            tracing::error!(%error, operations = answers.len(), "a transaction was not committed");
            let error = Error::from(error);
            for answer in answers {
                answer(Err(error.clone()));
            }
        }
    }
}

/// SQLite ends a transaction by itself when the disk is full (or memory ran out, or the disk failed); the cause went to the
/// operation that met it.
fn full_disk() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None)
}
