//! The agent's log: what the pane shows, without colours, in files that do not grow without end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::protocol::rpc::LogSettings;

/// A log that begins a new file when one is full: `hunter.log`, then `hunter.log.1` for the one before, and so on.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    size: u64,
    settings: LogSettings,
}

impl Log {
    pub(super) fn open(path: &Path, settings: LogSettings) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, settings })
    }

    /// Adds a line. A disk that does not take it must not stop the work; the pane has the line too.
    pub(super) fn line(&mut self, line: &str) {
        if self.write(line).is_err() {
            self.size = 0;
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.size > 0 && self.size + line.len() as u64 > self.settings.max_bytes {
            self.rotate()?;
        }
        writeln!(self.file, "{line}")?;
        self.size += line.len() as u64 + 1;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |n: u32| PathBuf::from(format!("{}.{n}", self.path.display()));
        for n in (1..self.settings.keep).rev() {
            if numbered(n).exists() {
                fs::rename(numbered(n), numbered(n + 1))?;
            }
        }
        if self.settings.keep > 0 {
            fs::rename(&self.path, numbered(1))?;
        } else {
            fs::remove_file(&self.path)?;
        }
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut log = Log::open(&path, LogSettings { max_bytes: 10, keep: 2 }).unwrap();
        for word in ["11111111", "22222222", "33333333", "44444444"] {
            log.line(word);
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(
            (read("a.log"), read("a.log.1"), read("a.log.2")),
            ("44444444\n".into(), "33333333\n".into(), "22222222\n".into())
        );
        assert!(!dir.path().join("a.log.3").exists());
    }
}
