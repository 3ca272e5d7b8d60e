//! A product's history: one commit for each attempt that wrote its tree. git runs in the sandbox, with a git directory outside the tree,
//! so that nothing in the tree is obeyed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::{fs, io};

use super::Worker;
use super::command::{self, Program};
use super::workspace::Workspace;
use crate::domain::error::Error;
use crate::failpoint;
use crate::protocol::rpc::Assignment;
use crate::sandbox::Profile;

/// Records the tree as it is now.
pub(super) async fn record(worker: &Worker, workspace: &Workspace, assignment: &Assignment) -> Result<(), Error> {
    let Some(product) = &assignment.product else { return Ok(()) };
    let git_dir = Path::new(&worker.welcome.paths.git).join(format!("{}.git", product.slug));
    let failed = |error: io::Error| Error::unavailable(format!("{}: {error}", git_dir.display()));
    fs::create_dir_all(&git_dir).map_err(failed)?;
    failpoint::reach("worker.history-begun");
    let git_dir = super::system::canonical(&git_dir).map_err(failed)?;
    unlock(&git_dir).map_err(failed)?;
    // Where there is a repository this changes nothing; where it was cut off it is finished.
    git(worker, workspace, &git_dir, &["init", "--quiet"]).await?;
    git(worker, workspace, &git_dir, &["add", "--all", "--force", "--", ".", ":(exclude,glob)**/.git/**"]).await?;
    let subject = format!("{} {} (attempt {})", assignment.kind, assignment.task, assignment.attempt);
    let commit = ["commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "-m", subject.as_str()];
    git(worker, workspace, &git_dir, &commit).await
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

async fn git(worker: &Worker, workspace: &Workspace, git_dir: &Path, arguments: &[&str]) -> Result<(), Error> {
    let identity = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name.to_owned(), "claude-swarm".to_owned()));
    let address = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name.to_owned(), "swarm@localhost".to_owned()));
    let program = Program {
        profile: Profile::Git,
        // By itself git leaves what it wrote to the system, and a power cut leaves a history that nobody can add to.
        argv: ["git", "-c", "core.fsync=all"].iter().chain(arguments).map(|argument| (*argument).to_owned()).collect(),
        env: BTreeMap::from_iter(identity.into_iter().chain(address)),
        stdin: Stdio::null(),
        git_dir: Some(git_dir.to_owned()),
    };
    let child = command::spawn(worker, workspace, program).await?;
    let output = child.wait_with_output().await.map_err(|error| Error::unavailable(format!("git: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::unavailable(format!("git {}: {}", arguments[0], crate::domain::text::one_line(&said, 300))))
}
