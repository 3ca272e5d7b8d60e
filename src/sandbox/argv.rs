//! The arguments. The order matters: later mounts lie over earlier ones, and the root becomes read-only last.

use std::path::{Component, Path, PathBuf};

use super::{BIN, ETC_FILES, GIT_DIR, HOME, ID, Profile, SOCKET_DIR, Sandbox, SandboxError, SystemEntry, WORKSPACE};

/// Places inside that are ours; settings cannot put anything over, below or above them.
const OWN: [&str; 8] = [WORKSPACE, HOME, GIT_DIR, BIN, SOCKET_DIR, "/proc", "/dev", "/var/tmp"];

impl Sandbox {
    /// The command line that runs `command` (a program inside and its arguments) in this sandbox. The first element is the program
    /// to start on the host.
    ///
    /// The process must be started with an empty environment plus [`super::environment()`], and from a thread that lives as long as
    /// the sandbox shall: the kernel ends it with the *thread* that started it. Should that thread die before bubblewrap has asked for
    /// this (about a millisecond), the sandbox lives on and holds its lock; whoever cannot get the lock has to end it.
    ///
    /// # Errors
    /// When a path is not absolute or would show what is hidden.
    pub fn argv(&self, command: &[String]) -> Result<Vec<String>, SandboxError> {
        let bwrap = text("bwrap", &self.bwrap)?;
        let mut argv = vec![bwrap.clone()];
        let id = ID.to_string();
        // The guard: everything stays as it is, but for a user and a pid namespace around the sandbox's own.
        let guard = ["--unshare-user", "--uid", &id, "--gid", &id, "--unshare-pid", "--die-with-parent", "--cap-drop", "ALL"];
        argv.extend(guard.map(str::to_owned));
        argv.extend(["--dev-bind", "/", "/"].map(str::to_owned));
        if let Some(fd) = self.lock_fd {
            argv.extend(["--sync-fd".to_owned(), fd.to_string()]);
        }
        argv.extend(["--".to_owned(), bwrap]);
        argv.extend(["--unshare-user", "--disable-userns", "--uid", &id, "--gid", &id].map(str::to_owned));
        argv.extend(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"].map(str::to_owned));
        if self.profile != Profile::Cli {
            argv.push("--unshare-net".to_owned());
        }
        argv.extend(["--hostname", "swarm", "--die-with-parent", "--new-session", "--cap-drop", "ALL"].map(str::to_owned));
        self.mounts(&mut argv)?;
        argv.extend(["--chdir", WORKSPACE, "--"].map(str::to_owned));
        argv.extend(command.iter().cloned());
        Ok(argv)
    }

    fn mounts(&self, argv: &mut Vec<String>) -> Result<(), SandboxError> {
        let mut mounts = Mounts { argv, shown: Vec::new() };
        for entry in &self.layout.entries {
            match entry {
                SystemEntry::Shown(path) => mounts.bind("--ro-bind", "layout", path, path)?,
                SystemEntry::Link { path, target } => {
                    let (path, target) = (text("layout", path)?, text("layout", target)?);
                    mounts.argv.extend(["--symlink".to_owned(), target, path]);
                }
            }
        }
        if let Some(etc) = &self.etc {
            for (name, _) in ETC_FILES {
                mounts.bind("--ro-bind", "etc", &etc.join(name), &Path::new("/etc").join(name))?;
            }
        }
        mounts.argv.extend(["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"].map(str::to_owned));
        for path in PROC_COVERED {
            mounts.argv.extend(["--ro-bind-try", path, path].map(str::to_owned));
        }
        mounts.argv.extend(["--dev", "/dev", "--perms", "1777", "--size"].map(str::to_owned));
        mounts.argv.extend([self.tmp_bytes.to_string(), "--tmpfs".to_owned(), "/tmp".to_owned()]);
        mounts.argv.extend(["--symlink", "/tmp", "/var/tmp"].map(str::to_owned));
        for path in &self.read_only {
            self.may_show(path)?;
            mounts.bind("--ro-bind", "read_only", path, path)?;
        }
        mounts.bind("--bind", "tree", &self.tree, Path::new(WORKSPACE))?;
        mounts.bind("--bind", "home", &self.home, Path::new(HOME))?;
        if self.profile == Profile::Git {
            let git_dir = self.git_dir.as_deref().ok_or(SandboxError::Missing { field: "git_dir" })?;
            mounts.bind("--bind", "git_dir", git_dir, Path::new(GIT_DIR))?;
        }
        for (path, name) in &self.programs {
            mounts.bind("--ro-bind", "programs", path, &Path::new(BIN).join(name))?;
        }
        if let (Profile::Cli, Some(dir)) = (self.profile, &self.socket_dir) {
            mounts.bind("--ro-bind", "socket_dir", dir, Path::new(SOCKET_DIR))?;
        }
        for hidden in &self.hidden {
            mounts.hide(hidden)?;
        }
        mounts.argv.extend(["--remount-ro", "/"].map(str::to_owned));
        Ok(())
    }

    /// Refuses a path of settings that lies in what is hidden, or at, below or above a place of our own.
    fn may_show(&self, path: &Path) -> Result<(), SandboxError> {
        text("read_only", path)?;
        let shown = || path.display().to_string();
        if let Some(hidden) = self.hidden.iter().find(|hidden| path.starts_with(hidden)) {
            return Err(SandboxError::ShowsHidden { path: shown(), hidden: hidden.display().to_string() });
        }
        // Below /tmp there may be something; over it not.
        let own_place = |own: &&str| path.starts_with(own) || Path::new(own).starts_with(path);
        if OWN.iter().any(own_place) || path == Path::new("/tmp") {
            return Err(SandboxError::OwnPlace { path: shown() });
        }
        Ok(())
    }
}

/// Files of `/proc` through which the owner of the machine's user id 0 changes the machine. bubblewrap covers some of them, but only
/// where the *directory* can be written, which `/proc/sys` never can: in a sandbox started by root, `core_pattern` stood open.
const PROC_COVERED: [&str; 4] = ["/proc/acpi", "/proc/fs", "/proc/scsi", "/proc/sysrq-trigger"];

struct Mounts<'a> {
    argv: &'a mut Vec<String>,
    /// What of the host is shown where: (host path, path inside).
    shown: Vec<(PathBuf, PathBuf)>,
}

impl Mounts<'_> {
    fn bind(&mut self, option: &str, field: &'static str, from: &Path, to: &Path) -> Result<(), SandboxError> {
        self.argv.extend([option.to_owned(), text(field, from)?, text(field, to)?]);
        self.shown.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    /// Lays an empty directory over every place inside where this directory of the host would be seen.
    fn hide(&mut self, hidden: &Path) -> Result<(), SandboxError> {
        text("hidden", hidden)?;
        // Only what lies below something shown: a tree *in* the swarm's home is shown on purpose.
        let places: Vec<PathBuf> = self
            .shown
            .iter()
            .filter(|(from, _)| from != hidden)
            .filter_map(|(from, to)| hidden.strip_prefix(from).ok().map(|rest| to.join(rest)))
            .collect();
        for place in places {
            let place = text("hidden", &place)?;
            self.argv.extend(["--tmpfs".to_owned(), place.clone(), "--remount-ro".to_owned(), place]);
        }
        Ok(())
    }
}

/// The path as an argument: absolute, without `..`, and text.
fn text(field: &'static str, path: &Path) -> Result<String, SandboxError> {
    let Some(text) = path.to_str() else {
        return Err(SandboxError::NotText { field, path: path.display().to_string() });
    };
    let plain = path.components().all(|part| !matches!(part, Component::ParentDir));
    let link = field == "layout" && !text.is_empty() && plain;
    if (path.is_absolute() && plain) || link {
        return Ok(text.to_owned());
    }
    Err(SandboxError::NotAbsolute { field, path: text.to_owned() })
}

#[cfg(test)]
#[path = "argv_tests.rs"]
mod tests;
