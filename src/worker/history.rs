//! A product's history: one commit for each attempt that wrote its tree, in a git directory outside the tree.
//!
//! git never looks at the tree: it would run what the configuration of a repository in it names, change bytes as the tree's attributes
//! say, and leave out what lies in a repository of its own. It is given the snapshot's files one after the other instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::{fs, io};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Worker;
use super::command::{self, Program};
use super::snapshot;
use super::workspace::Workspace;
use crate::domain::error::Error;
use crate::domain::snapshot::Manifest;
use crate::failpoint;
use crate::protocol::rpc::Assignment;
use crate::sandbox::Profile;

/// Whose commits they are.
const AUTHOR: &str = "claude-swarm <swarm@localhost>";

/// Records the files of a snapshot as they are in the tree now.
pub(super) async fn record(
    worker: &Worker,
    workspace: &Workspace,
    assignment: &Assignment,
    manifest: &Manifest,
) -> Result<(), Error> {
    let Some(product) = &assignment.product else { return Ok(()) };
    let git_dir = Path::new(&worker.welcome.paths.git).join(format!("{}.git", product.slug));
    let failed = |error: io::Error| Error::unavailable(format!("{}: {error}", git_dir.display()));
    fs::create_dir_all(&git_dir).map_err(failed)?;
    failpoint::reach("worker.history-begun");
    let git_dir = fs::canonicalize(&git_dir).map_err(failed)?;
    unlock(&git_dir).map_err(failed)?;
    let subject = format!("{} {} (attempt {})", assignment.kind, assignment.task, assignment.attempt);
    Git { worker, workspace, git_dir: &git_dir }.commit(&subject, manifest).await
}

struct Git<'a> {
    worker: &'a Worker,
    workspace: &'a Workspace,
    git_dir: &'a Path,
}

impl Git<'_> {
    async fn commit(&self, subject: &str, manifest: &Manifest) -> Result<(), Error> {
        // Where there is a repository this changes nothing; where it was cut off it is finished.
        self.run(&["init", "--quiet", "--initial-branch=main"], None).await?;
        self.run(&["fast-import", "--quiet", "--date-format=now"], Some((subject, manifest))).await
    }

    async fn run(&self, arguments: &[&str], commit: Option<(&str, &Manifest)>) -> Result<(), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::unavailable(format!("git {}: {error}", arguments[0]));
        let program = Program {
            profile: Profile::Git,
            // By itself git leaves what it wrote to the system, and a power cut leaves a history that nobody can add to.
            argv: ["git", "-c", "core.fsync=all"].iter().chain(arguments).map(|argument| (*argument).to_owned()).collect(),
            env: BTreeMap::new(),
            stdio: [Stdio::piped(), Stdio::piped(), Stdio::piped()],
            git_dir: Some(self.git_dir.to_owned()),
        };
        let mut child = command::spawn(self.worker, self.workspace, program).await?;
        let stdin = child.stdin.take();
        let feed = async {
            match (stdin, commit) {
                (Some(stdin), Some((subject, manifest))) => self.feed(stdin, subject, manifest).await,
                _ => Ok(()),
            }
        };
        // git's own word comes first: one that gave up reads no more.
        let (fed, output) = tokio::join!(feed, child.wait_with_output());
        let output = output.map_err(|error| failed(&error))?;
        if !output.status.success() {
            return Err(failed(&crate::domain::text::one_line(&String::from_utf8_lossy(&output.stderr), 300)));
        }
        fed.map_err(|error| failed(&error))
    }

    /// Writes the commit as `git fast-import` reads it.
    async fn feed(&self, mut to: impl AsyncWriteExt + Unpin, subject: &str, manifest: &Manifest) -> std::io::Result<()> {
        let mut head = format!("commit refs/heads/main\ncommitter {AUTHOR} now\ndata {}\n{subject}\n", subject.len());
        if self.git_dir.join("refs/heads/main").exists() {
            head.push_str("from refs/heads/main^0\n");
        }
        head.push_str("deleteall\n");
        to.write_all(head.as_bytes()).await?;
        for entry in &manifest.0 {
            let found = snapshot::open(&self.workspace.tree, entry.path.clone())?;
            let mode = if entry.executable { "100755" } else { "100644" };
            let head = format!("M {mode} inline {}\ndata {}\n", quoted(&entry.path), entry.size);
            to.write_all(head.as_bytes()).await?;
            let copied = tokio::io::copy(&mut tokio::fs::File::from_std(found.file).take(entry.size), &mut to).await?;
            if copied != entry.size {
                return Err(std::io::Error::other(format!("{} has changed", entry.path)));
            }
            to.write_all(b"\n").await?;
        }
        to.flush().await?;
        to.shutdown().await
    }
}

/// Takes away the locks of a git that died; with them there no other would begin. None of them is held: one agent writes a product's tree at a
/// time, and what ran in its sandbox before is gone.
fn unlock(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "objects" {
                unlock(&entry.path())?;
            }
        } else if entry.path().extension().is_some_and(|extension| extension == "lock") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A path in git's quotes, in which everything may stand.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || byte == b' ' {
            quoted.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "\\{byte:03o}");
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn any_path_can_stand_in_quotes() {
        assert_eq!(quoted("a b/c.txt"), r#""a b/c.txt""#);
        assert_eq!(quoted("\"x\"\\é\n"), r#""\042x\042\134\303\251\012""#);
    }
}
