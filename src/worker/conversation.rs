//! The file in which the CLI keeps a task's conversation: whether it is there, and out of the way where the CLI can make nothing of it.
//!
//! It lies in the agent's home, so that the agent could put anything in its place: no link is followed. Not here: what the file is called
//! (`provider`).

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, open, openat2, renameat, statat};
use rustix::io::Errno;
use uuid::Uuid;

use super::Worker;
use super::workspace::Workspace;
use crate::provider;
use crate::sandbox::WORKSPACE;

/// Where the conversation of an attempt is kept.
pub(super) struct ConversationFile {
    home: PathBuf,
    /// Below the home.
    folder: PathBuf,
    name: String,
}

impl ConversationFile {
    /// None where the provider is not known, or keeps it outside the home.
    pub(super) fn of(worker: &Worker, workspace: &Workspace, conversation: Uuid) -> Option<Self> {
        let cwd = if worker.welcome.sandbox.enabled { Path::new(WORKSPACE) } else { &workspace.tree };
        let provider = provider::named(&worker.welcome.provider.name)?;
        let path = provider.conversation_file(&workspace.home, cwd, conversation);
        let below = path.strip_prefix(&workspace.home).ok()?;
        Some(Self {
            home: workspace.home.clone(),
            folder: below.parent()?.to_owned(),
            name: below.file_name()?.to_str()?.to_owned(),
        })
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        let found = self.folder().and_then(|folder| statat(&folder, &self.name, AtFlags::SYMLINK_NOFOLLOW));
        found.is_ok_and(|about| FileType::from_raw_mode(about.st_mode) == FileType::RegularFile)
    }

    /// Gives it another name, so that its conversation can be begun anew. A death can leave a file of which the CLI can make nothing, and
    /// which keeps it from beginning again: an empty one, or one in which nobody has said anything.
    ///
    /// # Errors
    /// The file system's; that there is none is none.
    pub(super) fn set_aside(&self, attempt: i64) -> io::Result<()> {
        let moved = self.folder().and_then(|folder| {
            // Not a name that the CLI takes for a conversation's.
            renameat(&folder, &self.name, &folder, format!("{}.unreadable-{attempt}", self.name))
        });
        match moved {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn folder(&self) -> rustix::io::Result<OwnedFd> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let home = open(&self.home, folder, Mode::empty())?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(&home, &self.folder, folder, Mode::empty(), resolve)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_set_aside_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let file = ConversationFile { home: home.clone(), folder: "a/b".into(), name: "c.jsonl".into() };
        assert!(!file.is_there());
        file.set_aside(1).unwrap();

        fs::create_dir_all(home.join("a/b")).unwrap();
        fs::write(home.join("a/b/c.jsonl"), "kept").unwrap();
        assert!(file.is_there());
        file.set_aside(2).unwrap();
        assert!(!file.is_there());
        assert_eq!(fs::read_to_string(home.join("a/b/c.jsonl.unreadable-2")).unwrap(), "kept");

        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/c.jsonl"), "not the agent's").unwrap();
        std::os::unix::fs::symlink("../../../outside/c.jsonl", home.join("a/b/c.jsonl")).unwrap();
        assert!(!file.is_there());
        fs::rename(home.join("a/b"), home.join("a/old")).unwrap();
        std::os::unix::fs::symlink("../../outside", home.join("a/b")).unwrap();
        assert!(!file.is_there());
        assert!(file.set_aside(3).is_err());
        assert!(dir.path().join("outside/c.jsonl").is_file());
    }
}
