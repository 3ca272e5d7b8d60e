//! Bytes that a report speaks of: they must be in the artifact store before the report counts.

use super::Swarm;
use crate::domain::error::Error;
use crate::domain::report::Complete;

impl Swarm {
    /// Refuses a report that names bytes which were not sent.
    ///
    /// # Errors
    /// `Invalid`, naming the first.
    pub(super) async fn must_have_bytes(&self, complete: &Complete) -> Result<(), Error> {
        let mut named: Vec<(String, String, u64)> =
            complete.checks.iter().map(|check| (format!("check:{}", check.name), check.sha256.clone(), check.size)).collect();
        let entries = complete.manifest.iter().flat_map(|manifest| manifest.0.iter());
        named.extend(entries.map(|entry| (entry.path.clone(), entry.sha256.clone(), entry.size)));
        let artifacts = self.artifacts.clone();
        let look = tokio::task::spawn_blocking(move || {
            named.into_iter().find(|(_, sha256, size)| artifacts.size(sha256) != Some(*size))
        });
        match look.await {
            Ok(None) => Ok(()),
            Ok(Some((name, sha256, _))) => Err(Error::invalid(name, format!("the bytes {sha256} are not in the artifact store"))
                .hint("send them before the report that names them")),
            Err(error) => Err(Error::unavailable(format!("the artifact store could not be read: {error}"))),
        }
    }
}
