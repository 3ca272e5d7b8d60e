//! Snapshots: a manifest of artifacts. The hash of the manifest names exactly these bytes under these paths.
//!
//! Not here: reading trees (`worker::snapshot`) and keeping bytes (`artifacts`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::Error;

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Relative, with `/`, no `.` or `..`.
    pub path: String,
    /// Whether its owner may execute it. No other mode bit is kept.
    pub executable: bool,
    /// In bytes.
    pub size: u64,
    /// Of its content, in lower-case hex.
    pub sha256: String,
}

/// The files of a tree, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(pub Vec<Entry>);

/// The most files a snapshot may have.
pub const FILES_MAX: usize = 10_000;

impl Manifest {
    /// A manifest of these entries, sorted and checked.
    ///
    /// # Errors
    /// `Invalid` for a path that could leave the tree, twice the same path, or too many files.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, Error> {
        entries.sort();
        if entries.len() > FILES_MAX {
            return Err(
                Error::invalid("manifest", format!("{} files are too many", entries.len())).hint(format!("at most {FILES_MAX}"))
            );
        }
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(Error::invalid("manifest", format!("{:?} is there twice", pair[0].path)));
        }
        let files: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        for entry in &entries {
            let mut folders = entry.path.match_indices('/').map(|(end, _)| &entry.path[..end]);
            if let Some(both) = folders.find(|folder| files.contains(folder)) {
                return Err(Error::invalid("manifest", format!("{both:?} is a file and a folder")));
            }
            check_path(&entry.path)?;
            if !is_sha256(&entry.sha256) {
                return Err(Error::invalid("manifest", format!("{:?} is no SHA-256", entry.sha256)));
            }
        }
        Ok(Self(entries))
    }

    /// The snapshot's name: SHA-256 over its canonical JSON.
    pub fn hash(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        hex::encode(Sha256::digest(super::approval::canonical(&json).as_bytes()))
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.path == path)
    }
}

/// Whether a text is a SHA-256 in lower-case hex.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Refuses a path that could leave its folder or cannot be shown.
///
/// # Errors
/// `Invalid`, naming the path.
pub fn check_path(path: &str) -> Result<(), Error> {
    let bad = path.is_empty()
        || path.len() > 1024
        || path.chars().any(|c| super::text::is_unsafe(c) || c == '\n' || c == '\t' || c == '\\')
        || path.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.len() > 255);
    if bad {
        // Quoted with escapes, so that what is wrong with it can be seen and cannot act on a terminal.
        let shown: String = path.chars().take(120).collect();
        return Err(Error::invalid("path", format!("{shown:?} is no path that a product may have"))
            .hint("rename it: no control characters or backslashes, at most 255 bytes a name and 1024 in all"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry { path: path.into(), executable: false, size: 1, sha256: "a".repeat(64) }
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for bad in ["", "/etc/passwd", "a/../b", "..", "a//b", "./a", "a/", "a\0b", "a\nb", "a\\b", "a\u{1b}"] {
            assert!(Manifest::new(vec![entry(bad)]).is_err(), "{bad:?}");
        }
        assert!(Manifest::new(vec![entry("a/b.c"), entry("a/b")]).is_ok());
    }

    #[test]
    fn a_path_is_there_once_and_is_not_both_file_and_folder() {
        assert!(Manifest::new(vec![entry("a"), entry("a")]).is_err());
        assert!(Manifest::new(vec![entry("a"), entry("a/b")]).is_err());
        // What sorts between the two hides nothing.
        assert!(Manifest::new(vec![entry("a"), entry("a-b"), entry("a.b"), entry("a/b/c")]).is_err());
        assert!(Manifest::new(vec![entry("a/b"), entry("a.b"), entry("a/b/c/d")]).is_err());
        assert!(Manifest::new(vec![entry("a-b"), entry("a.b"), entry("a/b"), entry("ab/c")]).is_ok());
    }

    #[test]
    fn the_hash_depends_on_every_field_and_not_on_the_order() {
        let hash = |entries: Vec<Entry>| Manifest::new(entries).unwrap().hash();
        let one = hash(vec![entry("a"), entry("b")]);
        assert_eq!(one, hash(vec![entry("b"), entry("a")]));
        assert_ne!(one, hash(vec![entry("a"), Entry { executable: true, ..entry("b") }]));
        assert_ne!(one, hash(vec![entry("a"), Entry { size: 2, ..entry("b") }]));
    }
}
