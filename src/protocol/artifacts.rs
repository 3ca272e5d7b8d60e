//! Artifacts as they travel: by their names; the bytes travel beside.

use serde::{Deserialize, Serialize};

/// Bytes that are in the artifact store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// In lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}
