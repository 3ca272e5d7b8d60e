//! Opening what lies beneath a folder that an agent writes. It could put a link in any place, at the end of a path or on the way, and change
//! it at any time: the kernel itself is told to follow none and not to leave the folder.
//!
//! The folder itself is the worker's: no agent can put anything in its place.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};

/// Opens a plain file for reading.
///
/// # Errors
/// The file system's, or that there is a link or something else than a plain file.
pub(super) fn file(root: &Path, path: &Path) -> io::Result<File> {
    // Without waiting: what lies there may be a pipe that nobody writes to.
    let file = File::from(descend(root, path, OFlags::RDONLY | OFlags::NONBLOCK)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is no plain file", path.display())));
    }
    Ok(file)
}

/// Opens a folder, for what is done with a name in it.
///
/// # Errors
/// As of [`file`].
pub(super) fn folder(root: &Path, path: &Path) -> io::Result<OwnedFd> {
    descend(root, path, OFlags::PATH | OFlags::DIRECTORY)
}

fn descend(root: &Path, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let root = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(&root, path, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty(), resolve)?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_lies_beneath_is_opened_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        std::fs::write(root.join("a/b/file"), "inside").unwrap();
        std::fs::write(dir.path().join("outside/file"), "secret").unwrap();
        let mut text = String::new();
        file(&root, Path::new("a/b/file")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        folder(&root, Path::new("a/b")).unwrap();

        symlink("../outside/file", root.join("link")).unwrap();
        symlink("a/b/file", root.join("link-inside")).unwrap();
        symlink("../outside", root.join("way")).unwrap();
        symlink(dir.path().join("outside"), root.join("absolute")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let secret = dir.path().join("outside/file");
        let outside = [
            "link",
            "link-inside",
            "way/file",
            "absolute/file",
            "magic/etc/passwd",
            "../outside/file",
            "a/../../outside/file",
            "pipe",
            "a/b",
            "missing",
            "",
            secret.to_str().unwrap(),
        ];
        for path in outside {
            assert!(file(&root, Path::new(path)).is_err(), "{path:?}");
        }
        for path in ["way", "absolute", "magic", "../outside", "..", "a/b/file", "link", "missing", "/"] {
            assert!(folder(&root, Path::new(path)).is_err(), "{path:?}");
        }
        let missing = folder(&root, Path::new("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
