//! The only SQL. One thread owns the writing connection; readers have connections of their own.
//!
//! Here: the database file, its migrations, and one file of queries a noun. Not here: what a change means (`swarm`) and which
//! changes are legal (`domain`); a query writes what it is given.

mod accounts;
mod agents;
mod approvals;
mod artifacts;
mod attempts;
mod connection;
mod error;
mod events;
mod income;
mod messages;
mod meta;
mod migrate;
mod products;
mod publications;
mod reader;
mod sessions;
mod spend;
mod tasks;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

pub use accounts::Account;
pub use agents::AgentRow;
pub use approvals::{ApprovalRow, NewApproval};
pub use artifacts::ArtifactRow;
pub use attempts::{AttemptRow, NewAttempt};
pub use error::{OpenError, StoreError};
pub use income::IncomeRow;
pub use messages::MessageRow;
pub use meta::key;
pub use products::{NewProduct, ProductRow};
pub use publications::PublicationRow;
pub use reader::Reader;
pub use sessions::SessionRow;
pub use spend::SpendRow;
pub use tasks::{NewTask, TaskFilter, TaskRow};
pub use writer::Tx;

use crate::domain::error::Error;

/// The database of a home. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: writer::Writer,
    readers: Arc<reader::Pool>,
    path: Arc<PathBuf>,
}

impl Store {
    /// Opens the database, or makes it where there is none, and brings it to the newest schema.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with the file and the way out. The file is never overwritten.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut connection = connection::open_writer(path)?;
        migrate::to_newest(&mut connection, path)?;
        let last_event = events::last_seq(&connection).map_err(|error| OpenError::from_sqlite(path, error))?;
        let readers = Arc::new(reader::Pool::new(path));
        let writer = writer::Writer::start(connection, last_event);
        Ok(Self { writer, readers, path: Arc::new(path.to_owned()) })
    }

    /// Runs one operation. It sees and changes the database alone; when this answers `Ok`, the change is on the disk.
    ///
    /// # Errors
    /// The operation's own, after which nothing is changed; `Unavailable` when the disk did not take it.
    pub async fn write<T, F>(&self, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.writer.run(operation, |_| {}).await
    }

    /// As [`Self::write`], and runs `after` once the change is on the disk. What is kept in memory beside the database changes there: in
    /// the order of the commits, and also where the caller went away before the answer.
    ///
    /// # Errors
    /// As [`Self::write`]; then `after` is not run.
    pub async fn write_then<T, F, A>(&self, operation: F, after: A) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        self.writer.run(operation, after).await
    }

    /// Reads one consistent state of the database.
    ///
    /// # Errors
    /// The reader's own; `Unavailable` when the file cannot be read.
    pub async fn read<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.readers.run(query).await
    }

    /// Follows the sequence number of the newest committed event.
    pub fn follow(&self) -> watch::Receiver<i64> {
        self.writer.follow()
    }

    /// SQLite's own look at the file. Takes as long as reading it all.
    ///
    /// # Errors
    /// What is damaged, in SQLite's words.
    pub async fn quick_check(&self) -> Result<(), Error> {
        let found = self.read(|reader| Ok(reader.quick_check()?)).await?;
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::unavailable(format!("the database {} is damaged: {}", self.path.display(), found.join("; ")))
            .hint(error::WAY_OUT))
    }

    /// Refuses every further write, for a database that was found damaged.
    pub fn seal(&self, why: String) {
        self.writer.seal(why);
    }
}
