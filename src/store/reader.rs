//! Readers: connections that cannot write, each used by one query at a time on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection;
use super::error::StoreError;
use crate::domain::error::Error;

/// Queries at one time.
const READERS: usize = 8;

/// The database as a query sees it. The queries themselves are in the files of their nouns.
pub struct Reader<'c> {
    pub(super) connection: &'c Connection,
}

/// Connections that nobody uses at the moment.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default(), places: Arc::new(Semaphore::new(READERS)) }
    }

    pub(super) async fn run<T, F>(self: &Arc<Self>, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        let closed = |_| Error::unavailable("the store is closed");
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(closed)?;
        let pool = Arc::clone(self);
        let work = tokio::task::spawn_blocking(move || {
            // Kept until the query ends, and not only as long as somebody waits for its answer: who asks and goes away would else start
            // as many as they like.
            let _place = place;
            let kept = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match kept {
                Some(connection) => connection,
                None => connection::open_reader(&pool.path).map_err(StoreError::from)?,
            };
            // A transaction, so that two statements of one query see the same state.
            connection.execute_batch("BEGIN").map_err(StoreError::from)?;
            let outcome = query(&Reader { connection: &connection });
            if connection.execute_batch("COMMIT").is_ok() {
                pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            outcome
        });
        work.await.map_err(|error| Error::unavailable(format!("a query ended early: {error}")))?
    }
}

impl Reader<'_> {
    /// What SQLite finds wrong with the file; empty when nothing is.
    pub(super) fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("PRAGMA quick_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().filter(|row| row != "ok").collect())
    }
}
