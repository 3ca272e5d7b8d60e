//! What an attempt finds when it begins: its tree, a home of its own, and the lock that proves its sandbox alive.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::Worker;
use super::disk::remove_folder;
use crate::domain::error::Error;
use crate::domain::pipeline::Tree;
use crate::protocol::rpc::Assignment;
use crate::sandbox::{ETC_FILES, Profile, Sandbox};

/// Where an attempt works.
pub(super) struct Workspace {
    /// What is `/workspace` inside.
    pub tree: PathBuf,
    /// What is the home inside. One a task, so that nothing an agent leaves in it reaches another task.
    pub home: PathBuf,
    etc: PathBuf,
    lock: PathBuf,
    /// The CLI's program on this machine.
    pub program: PathBuf,
}

/// How long the end of a sandbox that was told to end may take.
const GONE: Duration = Duration::from_secs(20);

/// The size of `/tmp` inside; it is memory.
const TMP_BYTES: u64 = 512 << 20;

impl Workspace {
    pub(super) async fn prepare(worker: &Worker, assignment: &Assignment) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::unavailable(format!("the workspace cannot be made: {error}"));
        let paths = &worker.welcome.paths;
        let folder = Path::new(&paths.tasks).join(assignment.task.to_string());
        let (home, etc) = (folder.join("home"), folder.join("etc"));
        if !assignment.resume {
            // What an attempt before this one left there, or the code that it ran, is not to be believed by this one.
            set_aside(&folder, "home", assignment.attempt).map_err(failed)?;
        }
        for path in [&home, &etc] {
            fs::create_dir_all(path).map_err(failed)?;
        }
        for (name, content) in ETC_FILES {
            fs::write(etc.join(name), content).map_err(failed)?;
        }
        let tree = match (assignment.tree, &assignment.product) {
            (Tree::Write, Some(product)) => {
                let tree = Path::new(&paths.projects).join(&product.slug);
                fs::create_dir_all(&tree).map_err(failed)?;
                if !assignment.resume {
                    set_git_aside(&tree, &folder).map_err(failed)?;
                }
                tree
            }
            (Tree::Snapshot, Some(product)) => {
                let tree = folder.join("snapshot");
                let snapshot = product.snapshot.as_deref().ok_or_else(|| Error::conflict("the product has no snapshot"))?;
                if !assignment.resume || !tree.exists() {
                    lay_out(worker, snapshot, &tree).await?;
                }
                tree
            }
            _ => {
                let tree = folder.join("workspace");
                fs::create_dir_all(&tree).map_err(failed)?;
                tree
            }
        };
        fs::create_dir_all(&paths.sandboxes).map_err(failed)?;
        let lock = Path::new(&paths.sandboxes).join(assignment.token.lock_file());
        let canonical = |path: &Path| fs::canonicalize(path).map_err(failed);
        Ok(Self {
            tree: canonical(&tree)?,
            home: canonical(&home)?,
            etc: canonical(&etc)?,
            lock,
            program: PathBuf::from(&assignment.program),
        })
    }

    /// The lock that the next sandbox holds as long as anything in it lives. Waits until the one before is gone, which the lock alone
    /// proves: bubblewrap's own end may come earlier.
    pub(super) async fn lock(&self) -> Result<File, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::unavailable(format!("{}: {error}", self.lock.display()));
        let file = OpenOptions::new().create(true).append(true).open(&self.lock).map_err(|error| failed(&error))?;
        let taken = tokio::task::spawn_blocking(move || flock(&file, FlockOperation::LockExclusive).map(|()| file));
        match tokio::time::timeout(GONE, taken).await {
            Ok(Ok(Ok(file))) => Ok(file),
            Ok(Ok(Err(error))) => Err(failed(&error)),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(failed(&"what ran in the sandbox does not end")),
        }
    }

    /// Where a check runs: in a home that nobody has been in, and on a copy of the snapshot that nobody has changed. What an agent left
    /// in its own could make any check pass. A tree that the task writes is checked itself, because it is what becomes the snapshot.
    pub(super) async fn for_check(&self, worker: &Worker, assignment: &Assignment) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::unavailable(format!("the workspace of the check cannot be made: {error}"));
        // The agent's sandbox may still be ending.
        drop(self.lock().await?);
        let folder = Path::new(&worker.welcome.paths.tasks).join(assignment.task.to_string());
        let home = folder.join("check-home");
        remove_folder(&home).await.map_err(failed)?;
        fs::create_dir_all(&home).map_err(failed)?;
        let snapshot = assignment.product.as_ref().and_then(|product| product.snapshot.as_deref());
        let tree = match (assignment.tree, snapshot) {
            (Tree::Snapshot, Some(snapshot)) => {
                let tree = folder.join("checked");
                lay_out(worker, snapshot, &tree).await?;
                tree
            }
            _ => self.tree.clone(),
        };
        let canonical = |path: &Path| fs::canonicalize(path).map_err(failed);
        Ok(Self {
            tree: canonical(&tree)?,
            home: canonical(&home)?,
            etc: self.etc.clone(),
            lock: self.lock.clone(),
            program: self.program.clone(),
        })
    }

    /// Writes a file into the home. An earlier attempt may have put anything there, a link to a file outside among it: that is taken away,
    /// and not followed.
    pub(super) fn put_into_home(&self, name: &str, content: &str) -> Result<(), Error> {
        let path = self.home.join(name);
        let failed = |error: io::Error| Error::unavailable(format!("{}: {error}", path.display()));
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => {
                let aside = self.home.join(format!("{name}.{}", uuid::Uuid::new_v4()));
                fs::rename(&path, aside).map_err(failed)?;
            }
            Ok(_) => fs::remove_file(&path).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut file = File::create_new(&path).map_err(failed)?;
        file.write_all(content.as_bytes()).map_err(failed)
    }

    /// Takes away what the checks ran in, which nobody needs any more. What the agent left in its own copy stays, to be looked at.
    pub(super) async fn forget_checks(worker: &Worker, task: i64) {
        let folder = Path::new(&worker.welcome.paths.tasks).join(task.to_string());
        for copy in ["checked", "checked.new", "check-home"] {
            if let Err(error) = remove_folder(&folder.join(copy)).await {
                tracing::warn!(%error, copy, "a copy stays");
            }
        }
    }

    /// Waits until nothing lives in the attempt's last sandbox. Nothing is started under this lock again, so it is taken away.
    pub(super) async fn gone(&self) -> Result<(), Error> {
        let lock = self.lock().await?;
        let removed = fs::remove_file(&self.lock);
        drop(lock);
        removed.map_err(|error| Error::unavailable(format!("{}: {error}", self.lock.display())))
    }

    /// The sandbox for one program in this workspace.
    pub(super) fn sandbox(&self, worker: &Worker, profile: Profile) -> Result<Sandbox, Error> {
        let missing = || Error::unavailable("bubblewrap is not installed; `claude-swarm doctor` says how to mend that");
        let (settings, paths) = (&worker.welcome.sandbox, &worker.welcome.paths);
        let binaries = Path::new(&paths.binaries);
        let mut programs: Vec<(PathBuf, String)> = Vec::new();
        if profile == Profile::Cli {
            programs.push((self.program.clone(), worker.welcome.provider.name.clone()));
            for name in ["claude-swarm", "claude-tasks"] {
                if let Ok(path) = fs::canonicalize(binaries.join(name)) {
                    programs.push((path, name.to_owned()));
                }
            }
        }
        Ok(Sandbox {
            profile,
            bwrap: worker.bwrap.clone().ok_or_else(missing)?,
            layout: worker.layout.clone(),
            tree: self.tree.clone(),
            home: self.home.clone(),
            git_dir: None,
            programs,
            socket_dir: (profile == Profile::Cli).then(|| PathBuf::from(&paths.agent_socket)),
            etc: Some(self.etc.clone()),
            read_only: settings.read_only.iter().map(PathBuf::from).collect(),
            hidden: settings.hidden.iter().map(PathBuf::from).collect(),
            tmp_bytes: TMP_BYTES,
            lock_fd: None,
        })
    }
}

/// Gives what lies in a task's folder under a name another one, before this attempt.
fn set_aside(folder: &Path, name: &str, attempt: i64) -> io::Result<()> {
    match fs::rename(folder.join(name), folder.join(format!("{name}-before-{attempt}"))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Moves a git directory that an earlier task left in the tree into this task's folder. The CLI runs git where it starts, and git runs
/// what its configuration names.
fn set_git_aside(tree: &Path, folder: &Path) -> io::Result<()> {
    let left = tree.join(".git");
    if fs::symlink_metadata(&left).is_err() {
        return Ok(());
    }
    let name = |n: u32| if n == 1 { "git-of-the-tree".to_owned() } else { format!("git-of-the-tree-{n}") };
    let free = (1..).map(|n| folder.join(name(n))).find(|path| fs::symlink_metadata(path).is_err());
    free.map_or(Ok(()), |path| fs::rename(left, path))
}

/// Lays a snapshot out as a fresh tree; what was there before goes.
async fn lay_out(worker: &Worker, snapshot: &str, tree: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::unavailable(format!("the snapshot cannot be laid out: {error}"));
    let manifest = worker.blobs.manifest(snapshot).await?;
    let draft = tree.with_extension("new");
    remove_folder(tree).await.map_err(failed)?;
    remove_folder(&draft).await.map_err(failed)?;
    fs::create_dir_all(&draft).map_err(failed)?;
    for entry in &manifest.0 {
        let path = draft.join(&entry.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::create_new(&path).map_err(failed)?;
        worker.blobs.get(&entry.sha256, tokio::fs::File::from_std(file)).await?;
        let mode = if entry.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    fs::rename(&draft, tree).map_err(failed)
}
