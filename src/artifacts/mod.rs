//! The content-addressed store: bytes under the name of their SHA-256. No agent can write here.
//!
//! Here: put, read back, verify. Not here: which snapshot holds what (`store`), reading trees (`worker::snapshot`). Everything blocks;
//! callers in async code use a blocking thread.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::snapshot::is_sha256;

/// The store of a home.
#[derive(Debug, Clone)]
pub struct Artifacts {
    root: PathBuf,
}

/// Bytes that are in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// Read and written at a time.
const CHUNK: usize = 64 * 1024;

impl Artifacts {
    /// The store in this folder, which is made if it is not there. What a death left half received is taken away; nobody else may be using
    /// the store.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(root: &Path) -> io::Result<Self> {
        let incoming = root.join("incoming");
        fs::create_dir_all(&incoming)?;
        for left in fs::read_dir(&incoming)? {
            fs::remove_file(left?.path())?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Puts everything that can be read, at most `max` bytes. When this answers, the bytes are on the disk under their name; a death
    /// before leaves at most a file in `incoming/`.
    ///
    /// # Errors
    /// The reader's or the file system's; `FileTooLarge` past `max`.
    pub fn put(&self, mut from: impl Read, max: u64) -> io::Result<Kept> {
        let draft = Draft(self.root.join("incoming").join(Uuid::new_v4().to_string()));
        let mut file = File::create_new(&draft.0)?;
        let (mut digest, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
        loop {
            let n = from.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            size += n as u64;
            if size > max {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {max} bytes")));
            }
            digest.update(&buffer[..n]);
            file.write_all(&buffer[..n])?;
        }
        let sha256 = hex::encode(digest.finalize());
        let path = self.path(&sha256);
        // What lies there may have been damaged; then this takes its place.
        if fs::metadata(&path).is_ok_and(|there| there.len() == size) && self.copy_verified(&sha256, io::sink()).is_ok() {
            return Ok(Kept { sha256, size });
        }
        file.sync_all()?;
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        fs::rename(&draft.0, &path)?;
        File::open(folder)?.sync_all()?;
        Ok(Kept { sha256, size })
    }

    /// How many bytes are kept under a name, if any are.
    pub fn size(&self, sha256: &str) -> Option<u64> {
        if !is_sha256(sha256) {
            return None;
        }
        fs::metadata(self.path(sha256)).ok().map(|there| there.len())
    }

    /// Opens what is kept under a name.
    ///
    /// # Errors
    /// `NotFound`, or the file system's.
    pub fn open_blob(&self, sha256: &str) -> io::Result<File> {
        if !is_sha256(sha256) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "that is no SHA-256"));
        }
        File::open(self.path(sha256))
    }

    /// Copies what is kept under a name, and proves on the way that it still is what the name says.
    ///
    /// # Errors
    /// `InvalidData` where the bytes have changed under us; the file system's.
    pub fn copy_verified(&self, sha256: &str, mut to: impl Write) -> io::Result<u64> {
        let mut file = self.open_blob(sha256)?;
        let (mut digest, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            size += n as u64;
            digest.update(&buffer[..n]);
            to.write_all(&buffer[..n])?;
        }
        if hex::encode(digest.finalize()) != sha256 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the bytes kept as {sha256} are not those any more")));
        }
        Ok(size)
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.root.join(&sha256[..2]).join(sha256)
    }
}

/// A file that goes away again unless it was renamed.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more where the put succeeded.
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_there_under_its_hash_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = Artifacts::open(dir.path()).unwrap();
        let kept = store.put(&b"hello"[..], 10).unwrap();
        assert_eq!(kept.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(store.put(&b"hello"[..], 10).unwrap(), kept);
        assert_eq!(store.size(&kept.sha256), Some(5));
        assert_eq!(fs::read_dir(dir.path().join("incoming")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_death_left_half_received_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        Artifacts::open(dir.path()).unwrap();
        fs::write(dir.path().join("incoming/half"), "hel").unwrap();
        Artifacts::open(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("incoming")).unwrap().count(), 0);
    }

    #[test]
    fn too_much_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Artifacts::open(dir.path()).unwrap();
        assert!(store.put(&b"hello"[..], 4).is_err());
        assert_eq!(fs::read_dir(dir.path().join("incoming")).unwrap().count(), 0);
    }

    #[test]
    fn changed_bytes_are_noticed_and_names_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let store = Artifacts::open(dir.path()).unwrap();
        let kept = store.put(&b"hello"[..], 10).unwrap();
        fs::write(store.path(&kept.sha256), "jello").unwrap();
        assert_eq!(store.copy_verified(&kept.sha256, io::sink()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        // And mended by whoever has them.
        assert_eq!(store.put(&b"hello"[..], 10).unwrap(), kept);
        assert_eq!(store.copy_verified(&kept.sha256, io::sink()).unwrap(), 5);
        assert!(store.open_blob("../../etc/passwd").is_err());
    }
}
