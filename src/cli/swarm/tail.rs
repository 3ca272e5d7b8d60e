//! The end of a log file, and what comes after it, across rotation. Every line is made harmless.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::cli::visible::visible;

/// Read at a time.
const CHUNK: u64 = 64 * 1024;

/// The longest piece that is shown as one line.
const LINE_MAX: usize = 1024 * 1024;

/// A log file that is read on.
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    at: u64,
    partial: Vec<u8>,
}

impl Tail {
    /// Opens a log and goes to before its last lines.
    pub fn last(path: &Path, lines: usize) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let at = before_last(&mut file, lines)?;
        Ok(Self { path: path.to_owned(), file, at, partial: Vec::new() })
    }

    /// The lines that are there by now. The last one counts only when it is finished, unless `all`.
    pub fn read(&mut self, all: bool) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        if self.file.metadata()?.size() < self.at {
            // Somebody emptied it.
            self.at = 0;
            self.partial.clear();
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        loop {
            let mut chunk = Vec::new();
            let n = Read::by_ref(&mut self.file).take(CHUNK).read_to_end(&mut chunk)?;
            if n == 0 {
                break;
            }
            self.at += n as u64;
            self.partial.extend(chunk);
            self.split(&mut lines);
        }
        if all && !self.partial.is_empty() {
            lines.push(shown(&std::mem::take(&mut self.partial)));
        }
        Ok(lines)
    }

    fn split(&mut self, lines: &mut Vec<String>) {
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            lines.push(shown(&line[..end]));
        }
        if self.partial.len() > LINE_MAX {
            lines.push(shown(&std::mem::take(&mut self.partial)));
        }
    }

    /// Whether another file has the log's name by now; if so, that one is read from its beginning on, and the last lines of the old
    /// one are answered.
    fn rotated(&mut self) -> io::Result<Option<Vec<String>>> {
        let now = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let open = self.file.metadata()?;
        if (now.dev(), now.ino()) == (open.dev(), open.ino()) {
            return Ok(None);
        }
        let rest = self.read(true)?;
        self.file = File::open(&self.path)?;
        self.at = 0;
        Ok(Some(rest))
    }

    /// The finished lines that came since the last look, those of a new file with the log's name too.
    fn fresh(&mut self) -> io::Result<Vec<String>> {
        let mut lines = self.read(false)?;
        while let Some(rest) = self.rotated()? {
            lines.extend(rest);
            lines.extend(self.read(false)?);
        }
        Ok(lines)
    }

    /// Hands on every line from here on, until `each` fails or nobody reads the standard output any more. `unreadable` says what it
    /// means that the log itself cannot be read.
    pub fn follow<E>(
        mut self,
        unreadable: impl Fn(io::Error) -> E,
        mut each: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let watch = watch(&self.path).map_err(&unreadable)?;
        loop {
            for line in self.fresh().map_err(&unreadable)? {
                each(&line)?;
            }
            if !changed(&watch).map_err(&unreadable)? {
                return Ok(());
            }
        }
    }
}

/// Watches the log's folder, because a log that is rotated is another file.
fn watch(log: &Path) -> io::Result<OwnedFd> {
    let watch = inotify::init(CreateFlags::CLOEXEC)?;
    let changes = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM;
    inotify::add_watch(&watch, log.parent().unwrap_or(Path::new(".")), changes)?;
    Ok(watch)
}

/// Waits for a change. False when nobody reads the standard output any more.
fn changed(watch: &OwnedFd) -> io::Result<bool> {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(watch, PollFlags::IN), PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    if fds[1].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
        return Ok(false);
    }
    if fds[0].revents().contains(PollFlags::IN) {
        drain(watch)?;
    }
    Ok(true)
}

/// The lines that were written behind this many bytes, at most the last so many.
pub(super) fn since(path: &Path, bytes: u64, lines: usize) -> io::Result<Vec<String>> {
    let mut tail = Tail::last(path, lines)?;
    // A shorter file is another one.
    if tail.file.metadata()?.size() >= bytes {
        tail.at = tail.at.max(bytes);
    }
    tail.read(true)
}

/// Where the last so many lines begin. A last line without an end counts.
fn before_last(file: &mut File, lines: usize) -> io::Result<u64> {
    let end = file.metadata()?.size();
    if lines == 0 {
        return Ok(end);
    }
    let mut start = end;
    let mut seen = 0;
    while start > 0 {
        let from = start.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(from))?;
        let mut chunk = Vec::new();
        Read::by_ref(file).take(start - from).read_to_end(&mut chunk)?;
        for (i, byte) in chunk.iter().enumerate().rev() {
            let at = from + i as u64;
            if *byte == b'\n' && at + 1 < end {
                seen += 1;
                if seen == lines {
                    return Ok(at + 1);
                }
            }
        }
        start = from;
    }
    Ok(0)
}

fn drain(watch: &impl std::os::fd::AsFd) -> io::Result<()> {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    inotify::Reader::new(watch, &mut buffer).next().map(drop).map_err(io::Error::from)
}

/// A line as it may be shown: colours taken out, other control characters made visible.
fn shown(line: &[u8]) -> String {
    visible(&without_colours(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(escape) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        kept.extend_from_slice(&rest[..escape]);
        let body = &rest[escape + 2..];
        let end = body.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';').unwrap_or(body.len());
        if body.get(end) == Some(&b'm') {
            rest = &body[end + 1..];
        } else {
            kept.extend_from_slice(b"\x1b[");
            rest = body;
        }
    }
    kept.extend_from_slice(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc;
    use std::time::Duration;

    fn log(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hunter.log");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_last_lines_are_found_however_long_the_file_is() {
        for (text, lines, expected) in [
            ("a\nb\nc\n", 2, vec!["b", "c"]),
            ("a\nb\nc", 2, vec!["b", "c"]),
            ("a\n", 5, vec!["a"]),
            ("a\n\n", 1, vec![""]),
            ("", 3, vec![]),
            ("a\nb\n", 0, vec![]),
        ] {
            let (_folder, path) = log(text);
            assert_eq!(Tail::last(&path, lines).unwrap().read(true).unwrap(), expected, "{text:?}");
        }
        let (_folder, path) =
            log(&"x".repeat(1000).split_inclusive('x').map(|x| format!("{x}{}\n", "y".repeat(999))).collect::<String>());
        assert_eq!(Tail::last(&path, 150).unwrap().read(true).unwrap().len(), 150);
    }

    #[test]
    fn only_what_was_written_since_is_told() {
        let (_folder, path) = log("old\nnew\nnewer\n");
        assert_eq!(since(&path, 4, 20).unwrap(), ["new", "newer"]);
        assert_eq!(since(&path, 4, 1).unwrap(), ["newer"]);
        assert_eq!(since(&path, 400, 20).unwrap(), ["old", "new", "newer"]);
    }

    #[test]
    fn lines_cannot_act_on_the_terminal() {
        assert_eq!(shown(b"\x1b[1;31mred\x1b[0m \x1b[2Jx\x1b]0;t\x07\r"), "red ^[[2Jx^[]0;t^G");
    }

    #[test]
    fn following_goes_on_in_the_new_file() {
        let (folder, path) = log("one\n");
        let (send, lines) = mpsc::channel();
        let tail = Tail::last(&path, 1).unwrap();
        let follower = std::thread::spawn(move || {
            let done = tail.follow(std::convert::identity, |line| {
                send.send(line.to_owned()).unwrap();
                if line == "end" { Err(io::Error::other("enough")) } else { Ok(()) }
            });
            assert_eq!(done.unwrap_err().to_string(), "enough");
        });
        let next = || lines.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(next(), "one");
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        write!(file, "tw").unwrap();
        writeln!(file, "o").unwrap();
        assert_eq!(next(), "two");
        fs::rename(&path, folder.path().join("hunter.log.1")).unwrap();
        writeln!(file, "three").unwrap();
        assert_eq!(next(), "three");
        fs::write(&path, "four\nend\n").unwrap();
        assert_eq!((next(), next()), ("four".to_owned(), "end".to_owned()));
        follower.join().unwrap();
    }
}
