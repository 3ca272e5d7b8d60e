//! The file in which the CLI keeps a task's conversation: whether it is there, whether a message is in it, and out of the way where the
//! CLI can make nothing of it.
//!
//! It lies in the agent's home, so that the agent could put anything in its place: no link is followed (`beneath`). Not here: what the file
//! is called and what its lines mean (`provider`).

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, renameat, statat};
use uuid::Uuid;

use super::Worker;
use super::beneath;
use super::workspace::Workspace;
use crate::provider::{self, Provider};
use crate::sandbox::WORKSPACE;

/// Where the conversation of an attempt is kept.
pub(super) struct ConversationFile {
    home: PathBuf,
    /// Below the home.
    folder: PathBuf,
    name: String,
    provider: &'static dyn Provider,
}

/// The most of a file that is read, in bytes: far more than a model takes in.
const READ_MAX: u64 = 256 << 20;

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
            provider,
        })
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        let Ok(folder) = beneath::folder(&self.home, &self.folder) else { return false };
        let found = statat(&folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        found.is_ok_and(|about| FileType::from_raw_mode(about.st_mode) == FileType::RegularFile)
    }

    /// Whether a message is in it that was handed to the CLI under this id. What cannot be read holds nothing.
    pub(super) fn holds(&self, id: Uuid) -> bool {
        let Ok(file) = beneath::file(&self.home, &self.folder.join(&self.name)) else { return false };
        let lines = BufReader::new(file.take(READ_MAX)).split(b'\n');
        lines.map_while(Result::ok).any(|line| self.provider.is_message(&line, id))
    }

    /// Gives it another name, so that its conversation can be begun anew. A death can leave a file of which the CLI can make nothing, and
    /// which keeps it from beginning again: an empty one, or one in which nobody has said anything.
    ///
    /// # Errors
    /// The file system's; that there is none is none.
    pub(super) fn set_aside(&self, attempt: i64) -> io::Result<()> {
        let moved = beneath::folder(&self.home, &self.folder).and_then(|folder| {
            // Not a name that the CLI takes for a conversation's.
            Ok(renameat(&folder, &self.name, &folder, format!("{}.unreadable-{attempt}", self.name))?)
        });
        match moved {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

    #[test]
    fn a_file_is_set_aside_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let provider = provider::named("claude").unwrap();
        let file = ConversationFile { home: home.clone(), folder: "a/b".into(), name: "c.jsonl".into(), provider };
        assert!(!file.is_there() && !file.holds(ID));
        file.set_aside(1).unwrap();

        fs::create_dir_all(home.join("a/b")).unwrap();
        let said = format!("{{}}\n{{\"type\":\"user\",\"uuid\":\"{ID}\"}}\n{{\"torn");
        fs::write(home.join("a/b/c.jsonl"), &said).unwrap();
        assert!(file.is_there() && file.holds(ID) && !file.holds(Uuid::nil()));
        file.set_aside(2).unwrap();
        assert!(!file.is_there() && !file.holds(ID));
        assert_eq!(fs::read_to_string(home.join("a/b/c.jsonl.unreadable-2")).unwrap(), said);

        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/c.jsonl"), &said).unwrap();
        std::os::unix::fs::symlink("../../../outside/c.jsonl", home.join("a/b/c.jsonl")).unwrap();
        assert!(!file.is_there() && !file.holds(ID));
        fs::rename(home.join("a/b"), home.join("a/old")).unwrap();
        std::os::unix::fs::symlink("../../outside", home.join("a/b")).unwrap();
        assert!(!file.is_there() && !file.holds(ID));
        assert!(file.set_aside(3).is_err());
        assert!(dir.path().join("outside/c.jsonl").is_file());
    }
}
