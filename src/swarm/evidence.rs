//! Bytes that a report speaks of: they must be in the artifact store before the report counts.

use super::Swarm;
use crate::domain::error::Error;
use crate::domain::report::Complete;

/// Bytes that are said to be in the artifact store.
pub(super) struct Named {
    /// What they are.
    pub name: String,
    /// In lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// The bytes that a report speaks of: the logs of its checks, the files of its tree.
pub(super) fn named(done: &Complete) -> Vec<Named> {
    let logs = done.checks.iter().map(|check| (format!("check:{}", check.name), &check.sha256, check.size));
    let files = done.manifest.iter().flat_map(|manifest| &manifest.0);
    let files = files.map(|entry| (entry.path.clone(), &entry.sha256, entry.size));
    logs.chain(files).map(|(name, sha256, size)| Named { name, sha256: sha256.clone(), size }).collect()
}

impl Swarm {
    /// Refuses what names bytes that were not sent.
    ///
    /// # Errors
    /// `Invalid`, naming the first.
    pub(super) async fn must_have(&self, named: Vec<Named>) -> Result<(), Error> {
        let artifacts = self.artifacts.clone();
        let missing = move || named.into_iter().find(|named| artifacts.size(&named.sha256) != Some(named.size));
        match tokio::task::spawn_blocking(missing).await {
            Ok(None) => Ok(()),
            Ok(Some(Named { name, sha256, .. })) => {
                Err(Error::invalid(name, format!("the bytes {sha256} are not in the artifact store"))
                    .hint("send them before the report that names them"))
            }
            Err(error) => Err(Error::unavailable(format!("the artifact store could not be read: {error}"))),
        }
    }
}
