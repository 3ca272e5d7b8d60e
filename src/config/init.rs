//! Writing a new home: all of it, or nothing.
//!
//! Not here: what its files say (`embedded`, `settings::file`).

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::embedded::files;
use super::home::Home;
use super::settings::{Chosen, TmuxServer, settings_text};
use crate::domain::error::Error;
use crate::domain::text::is_unsafe;

/// The folder inside the new home in which it is prepared. Whoever makes it is the one who writes the home.
const STAGE: &str = ".claude-swarm-init";

/// What kind of home is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitOptions {
    /// For rehearsals: models and, where wanted, people are played by a script.
    pub rehearsal: bool,
    /// Whose tmux server; default this home's own, so that homes do not meet.
    pub tmux_server: TmuxServer,
    /// Where the HTTP API listens; default any free port of loopback. Must be loopback.
    pub listen: SocketAddr,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self { rehearsal: false, tmux_server: TmuxServer::Own, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The new home.
    pub home: Home,
    /// Its files, relative to it.
    pub files: Vec<String>,
}

/// Writes a home into a folder that does not exist or is empty.
///
/// # Errors
/// `Conflict` if the folder is a home or holds anything else, `Invalid` if `listen` is not loopback or the path cannot be shown or is too long,
/// `Unavailable` if writing fails.
/// Nothing is left behind in any of these cases.
pub fn init(folder: &Path, options: &InitOptions) -> Result<Written, Error> {
    if !options.listen.ip().is_loopback() {
        return Err(Error::invalid("listen", format!("{} can be reached from other machines", options.listen))
            .hint("listen on 127.0.0.1 or [::1]"));
    }
    check(folder)?;
    refuse_if_taken(folder, None)?;
    let contents = contents(options);
    let made = make_folders(folder).map_err(|error| failed(folder, &error))?;
    let written = write(folder, &contents);
    if written.is_err() {
        // Only folders that were made here and are empty again.
        for folder in made.iter().rev() {
            drop(fs::remove_dir(folder));
        }
    }
    written?;
    Ok(Written { home: Home::open(folder)?, files: contents.into_iter().map(|(path, _)| path).collect() })
}

/// Refuses a folder whose path cannot be written into JSON, logs and command lines, or would act on the terminal that shows it.
fn check(folder: &Path) -> Result<(), Error> {
    let whole = std::path::absolute(folder).map_err(|error| failed(folder, &error))?;
    match whole.to_str() {
        Some(text) if !text.chars().any(|c| c.is_control() || is_unsafe(c)) => Ok(()),
        _ => Err(Error::invalid("dir", format!("{whole:?} has characters that cannot be shown")).hint("name another folder")),
    }
}

/// The new home's files.
fn contents(options: &InitOptions) -> Vec<(String, Vec<u8>)> {
    let settings = settings_text(Chosen { tmux_server: options.tmux_server, listen: options.listen });
    let ignored = "# What this home keeps while it runs, and its logins.\n/data\n/logs\n/downloads\n/config/secrets\n";
    let mut contents =
        vec![(".gitignore".to_owned(), ignored.as_bytes().to_vec()), ("config/settings.yaml".to_owned(), settings.into_bytes())];
    if options.rehearsal {
        contents.push(("config/kind".to_owned(), b"rehearsal\n".to_vec()));
    }
    let wanted = |path: &str| path != "config/rehearsal.yaml" || options.rehearsal;
    contents.extend(files().into_iter().filter(|file| wanted(&file.path)).map(|file| (file.path, file.bytes.into_owned())));
    contents.sort();
    contents
}

/// Refuses a folder that is not free. `mine` may be in it.
fn refuse_if_taken(folder: &Path, mine: Option<&str>) -> Result<(), Error> {
    if Home::open(folder).is_ok() {
        return Err(Error::conflict(format!("{} is a home already; nothing was changed", folder.display()))
            .hint(format!("start it with `claude-swarm start --home {}`, or name another folder", folder.display())));
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Error::conflict(format!("{} is not a folder", folder.display())).hint("name another one"));
        }
        Err(error) => return Err(failed(folder, &error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| failed(folder, &error))?.file_name();
        if name == STAGE && mine.is_none() {
            let stage = folder.join(STAGE);
            return Err(Error::conflict(format!("another init is at work in {}, or was killed", folder.display()))
                .hint(format!("if none is, delete {}", stage.display())));
        }
        if mine.is_none_or(|mine| name != mine) {
            let shown = name.display();
            return Err(Error::conflict(format!("{} is not empty: it holds {shown}; nothing was changed", folder.display()))
                .hint("name an empty folder, or one that does not exist yet"));
        }
    }
    Ok(())
}

/// Makes the folder and those above it; answers which were made, the uppermost first.
fn make_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let mut made: Vec<PathBuf> = Vec::new();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.push(folder.to_owned()),
            // Another init was faster; whose home it becomes is decided below.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                for folder in made.iter().rev() {
                    drop(fs::remove_dir(folder));
                }
                return Err(error);
            }
        }
    }
    Ok(made)
}

/// Prepares the home in a folder inside it, and moves it into place: `config`, which makes a folder a home, last.
fn write(folder: &Path, contents: &[(String, Vec<u8>)]) -> Result<(), Error> {
    let stage = folder.join(STAGE);
    if let Err(error) = fs::DirBuilder::new().mode(0o700).create(&stage) {
        refuse_if_taken(folder, None)?;
        return Err(failed(&stage, &error));
    }
    let mut moved = Vec::new();
    let outcome = refuse_if_taken(folder, Some(STAGE)).and_then(|()| {
        fill(&stage, contents).and_then(|()| move_out(&stage, folder, &mut moved)).map_err(|error| failed(folder, &error))
    });
    if outcome.is_err() {
        for path in &moved {
            drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
        }
    }
    drop(fs::remove_dir_all(&stage));
    outcome
}

fn fill(stage: &Path, contents: &[(String, Vec<u8>)]) -> io::Result<()> {
    for (path, bytes) in contents {
        let path = stage.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create_new(&path)?;
        io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
    }
    fs::DirBuilder::new().mode(0o700).create(stage.join("config/secrets"))
}

fn move_out(stage: &Path, folder: &Path, moved: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(stage)?.collect::<io::Result<Vec<_>>>()?.iter().map(fs::DirEntry::file_name).collect();
    names.sort_by_key(|name| name == "config");
    for name in names {
        fs::rename(stage.join(&name), folder.join(&name))?;
        moved.push(folder.join(&name));
    }
    fs::File::open(folder)?.sync_all()
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(format!("cannot write {}: {error}", path.display()))
        .hint("nothing was left behind; mend that and try again")
}
