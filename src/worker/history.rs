//! A product's history: one commit for each attempt that wrote its tree. git runs in the sandbox, with a git directory outside the tree,
//! so that nothing in the tree is obeyed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::Worker;
use super::command::{self, Program};
use super::workspace::Workspace;
use crate::domain::error::Error;
use crate::protocol::rpc::Assignment;
use crate::sandbox::Profile;

/// Records the tree as it is now.
pub(super) async fn record(worker: &Worker, workspace: &Workspace, assignment: &Assignment) -> Result<(), Error> {
    let Some(product) = &assignment.product else { return Ok(()) };
    let git_dir = Path::new(&worker.welcome.paths.git).join(format!("{}.git", product.slug));
    let fresh = !git_dir.exists();
    std::fs::create_dir_all(&git_dir).map_err(|error| Error::unavailable(format!("{}: {error}", git_dir.display())))?;
    let git_dir = super::system::canonical(&git_dir).map_err(|error| Error::unavailable(error.to_string()))?;
    if fresh {
        git(worker, workspace, &git_dir, &["init", "--quiet"]).await?;
    }
    git(worker, workspace, &git_dir, &["add", "--all", "--force", "--", ".", ":(exclude,glob)**/.git/**"]).await?;
    let subject = format!("{} {} (attempt {})", assignment.kind, assignment.task, assignment.attempt);
    let commit = ["commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "-m", subject.as_str()];
    git(worker, workspace, &git_dir, &commit).await
}

async fn git(worker: &Worker, workspace: &Workspace, git_dir: &Path, arguments: &[&str]) -> Result<(), Error> {
    let identity = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name.to_owned(), "claude-swarm".to_owned()));
    let address = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name.to_owned(), "swarm@localhost".to_owned()));
    let program = Program {
        profile: Profile::Git,
        argv: std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect(),
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
