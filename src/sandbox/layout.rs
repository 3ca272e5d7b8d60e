//! What the host's system consists of, as the worker found it.

use std::path::{Path, PathBuf};

/// The paths that make up a system, for the worker to look at: those that exist become [`SystemEntry`] values, in this order.
///
/// Of `/etc` only what programs need to run, resolve names and check certificates; no accounts and no keys. Not `/etc/ssl` as a whole:
/// it holds private keys, and a sandbox that root started can read what is root's.
pub const SYSTEM_PATHS: [&str; 29] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// One existing path of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemEntry {
    /// A directory or file, shown read-only at its place. Symbolic links in `/etc` are given as this too: what they lead to is shown.
    Shown(PathBuf),
    /// A symbolic link at the top, such as `/bin` on a system with merged `/usr`.
    Link {
        /// Where it is.
        path: PathBuf,
        /// What it says, e.g. `usr/bin`.
        target: PathBuf,
    },
}

impl SystemEntry {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Shown(path) | Self::Link { path, .. } => path,
        }
    }
}

/// The system as the worker found it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemLayout {
    /// What exists of [`SYSTEM_PATHS`], in their order.
    pub entries: Vec<SystemEntry>,
}

impl SystemLayout {
    /// Builds the layout from a look at each of [`SYSTEM_PATHS`]: `look` answers nothing for a path that does not exist, and the
    /// target for a symbolic link.
    pub fn from_looking(mut look: impl FnMut(&Path) -> Option<Found>) -> Self {
        let entries = SYSTEM_PATHS
            .iter()
            .map(Path::new)
            .filter_map(|path| {
                let top = path.parent() == Some(Path::new("/"));
                Some(match look(path)? {
                    Found::Link(target) if top => SystemEntry::Link { path: path.to_owned(), target },
                    Found::Link(_) | Found::Other => SystemEntry::Shown(path.to_owned()),
                })
            })
            .collect();
        Self { entries }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A symbolic link that leads to something, and what it says.
    Link(PathBuf),
    /// A file or directory.
    Other,
}
