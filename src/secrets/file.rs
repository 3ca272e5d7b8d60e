//! Secrets in files that only their owner may read.
//!
//! Not here: which files (`config::Home`), what a secret is for (`accounts`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::secret::Secret;
use crate::domain::error::Error;

/// The most that a file with a secret may have, in bytes.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// Reads a secret; none if the file is not there.
///
/// # Errors
/// `Denied` if others may read or change the file, `Invalid` if it holds anything but one word, `Unavailable` if it cannot be read.
pub fn read_secret(path: &Path) -> Result<Option<Secret>, Error> {
    let shown = path.display();
    let unreadable = |error: io::Error| Error::unavailable(format!("{shown} cannot be read: {error}"));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Asked of the open file, so that it cannot be another one by now.
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::denied(format!("{shown} can be read or changed by others: its mode is {mode:o}"))
            .hint(format!("chmod 600 {shown}; if others may have read it, ask for a new one")));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(FILE_MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let secret = text.trim();
    if secret.is_empty() || secret.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Error::invalid(shown.to_string(), "holds no single word").hint("write the key or token alone, on one line"));
    }
    Ok(Some(Secret::new(secret)))
}

/// Writes a secret into a file that only its owner may read, in place of what is there: a reader sees the old or the new one, whole.
///
/// # Errors
/// `Unavailable`, naming the file.
pub fn write_secret(path: &Path, secret: &Secret) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        // One that a killed writer left behind may have any mode.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{}", secret.expose())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| Error::unavailable(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nobody_else_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(read_secret(&path).unwrap(), None);
        fs::write(folder.path().join("token.new"), "left behind").unwrap();
        for _ in 0..2 {
            let secret = Secret::generate();
            write_secret(&path, &secret).unwrap();
            assert_eq!(read_secret(&path).unwrap(), Some(secret));
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_secret(&folder.path().join("no/token"), &Secret::generate()).is_err());
    }
}
