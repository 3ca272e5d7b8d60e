//! Outlets: where approved products go. Only the daemon comes here, with bytes from a snapshot and never from a tree.
//!
//! Not here: whether something may be published (`swarm::publications`).

mod local;

use std::io;

use serde_json::Value;

use crate::artifacts::Artifacts;
use crate::domain::snapshot::Manifest;

pub use local::Local;

/// What is to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Makes it the same publication however often it is tried.
    pub key: String,
    /// `publish` for a product, `post` for texts about it.
    pub kind: String,
    /// The product's name in paths.
    pub slug: String,
    /// The snapshot that was approved.
    pub snapshot: String,
    /// Its files.
    pub manifest: Manifest,
    /// The terms that were approved.
    pub terms: Value,
}

/// A place where products are published. Everything blocks; it is called from a blocking thread.
pub trait Outlet: Send + Sync {
    /// The address of a publication that is there, by its key. Asked before anything is sent that may have been sent before.
    ///
    /// # Errors
    /// Where it cannot be known: then nothing may be sent.
    fn find(&self, publication: &Publication) -> io::Result<Option<String>>;

    /// Publishes, and answers with the address. Doing it again under the same key changes nothing.
    ///
    /// # Errors
    /// What went wrong; part of it may be there, under a name that is not yet the publication's.
    fn put(&self, publication: &Publication, artifacts: &Artifacts) -> io::Result<String>;
}
