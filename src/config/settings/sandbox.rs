//! `sandbox`: bubblewrap with what may be read beside the system, or `off`.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::Sandbox;
use crate::config::home::Home;
use crate::config::yaml::{Node, Refusal, Section, list_of, text, word};

/// Folders of which nothing can be shown: sockets in them reach out of a sandbox (docker, the session bus), or the sandbox makes them.
const NEVER_IN: &[&str] = &["/run", "/proc", "/sys", "/dev"];

/// Folders that cannot be shown as a whole: they hold what everything else that runs here leaves in them.
const NEVER: &[&str] = &["/tmp", "/var/tmp", "/var", "/etc"];

/// What shows that a folder is some person's, with logins in it.
const LOGINS: &[&str] = &[".ssh", ".aws", ".gnupg", ".netrc", ".claude/.credentials.json"];

/// Reads the section.
pub fn read(mut section: Section<'_>, home: &Home) -> Sandbox {
    #[derive(Clone, Copy, PartialEq)]
    enum Mode {
        Bubblewrap,
        Off,
    }
    let mode = section.field("mode", Mode::Bubblewrap, word(&[("bubblewrap", Mode::Bubblewrap), ("off", Mode::Off)]));
    let read_only = section.field("read_only", Vec::new(), list_of(|node| readable(node, home)));
    let sandbox = match mode {
        Mode::Bubblewrap => Sandbox::Bubblewrap { read_only },
        Mode::Off => {
            let message = "agents run with all your rights: they can read and change whatever you can".to_owned();
            section.warn("mode", (message, "write `mode: bubblewrap`; `claude-swarm doctor` says what it needs".to_owned()));
            if !read_only.is_empty() {
                let remedy = "take read_only out, or write `mode: bubblewrap`".to_owned();
                section.refuse("read_only", ("means nothing without a sandbox".to_owned(), remedy));
            }
            Sandbox::Off
        }
    };
    section.end();
    sandbox
}

fn readable(node: &Node, home: &Home) -> Result<PathBuf, Refusal> {
    let remedy = "write absolute paths of files or folders that every agent may read";
    let path = PathBuf::from(text(remedy)(node)?);
    let refuse = |what: String| Err((format!("{} {what}", node.shown()), remedy.to_owned()));
    if !path.is_absolute() {
        return refuse("is not absolute".to_owned());
    }
    // Compared without symbolic links: a link to the home is the home.
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) => return refuse(format!("cannot be read: {error}")),
    };
    let root = home.root();
    if root.starts_with(&real) || real.starts_with(root) {
        return refuse("holds the home or lies in it, and agents must not see it".to_owned());
    }
    let in_tmux = real.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tmux-"));
    if NEVER_IN.iter().any(|never| real.starts_with(never)) || NEVER.iter().any(|never| real == Path::new(never)) || in_tmux {
        return refuse("holds sockets and files of everything else that runs here".to_owned());
    }
    if real.metadata().is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return refuse("is a socket, which would reach out of the sandbox".to_owned());
    }
    let in_logins = real.components().any(|part| LOGINS.iter().any(|login| part.as_os_str() == *login));
    if in_logins || LOGINS.iter().any(|login| real.join(login).exists()) {
        return refuse("holds somebody's logins".to_owned());
    }
    Ok(path)
}
