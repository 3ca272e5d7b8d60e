//! Checks: commands that the task's type names, run by the worker in the sandbox without network. Their word counts, not the model's.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Worker;
use super::command::{self, Program};
use super::pane::{Pane, Tone};
use super::workspace::Workspace;
use crate::domain::error::Error;
use crate::domain::pipeline::Check;
use crate::domain::report::CheckReport;
use crate::domain::text;
use crate::protocol::rpc::Assignment;
use crate::sandbox::Profile;

/// The most of a check's output that is kept, in bytes.
const OUTPUT_MAX: u64 = 4 * 1024 * 1024;

/// The end of a check's output that people and the next attempt are shown, in characters.
const TAIL: usize = 4_000;

/// How long all the checks of an attempt may take together.
pub(super) fn longest(assignment: &Assignment) -> Duration {
    assignment.checks.iter().map(limit).sum()
}

fn limit(check: &Check) -> Duration {
    Duration::from_secs(u64::from(check.timeout_minutes) * 60)
}

pub(super) async fn run(worker: &Worker, workspace: &Workspace, check: &Check, pane: &mut Pane) -> Result<CheckReport, Error> {
    pane.show(Tone::Tool, "✓", &format!("check {}: {}", check.name, check.command.join(" ")));
    let program = Program {
        profile: Profile::Check,
        argv: check.command.clone(),
        env: BTreeMap::new(),
        stdio: [Stdio::null(), Stdio::piped(), Stdio::piped()],
        git_dir: None,
    };
    let mut child = command::spawn(worker, workspace, program).await?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let both = async { tokio::join!(read(out), read(err), child.wait()) };
    let limit = limit(check);
    let (output, exit) = match tokio::time::timeout(limit, both).await {
        Ok((out, err, status)) => {
            let status = status.map_err(|error| Error::unavailable(format!("the check {} was lost: {error}", check.name)))?;
            ([out, err].concat(), status.code())
        }
        Err(_) => {
            // The sandbox ends with its outermost process.
            drop(child.kill().await);
            (format!("the check took longer than {} minutes and was ended\n", check.timeout_minutes).into_bytes(), None)
        }
    };
    // What was made may print the login of the agent that made it; that is kept nowhere.
    let mut output = pane.redactor.redact_bytes(&output);
    if output.is_empty() {
        output.extend_from_slice(b"(no output)\n");
    }
    let shown = text::clean(&String::from_utf8_lossy(&output));
    let tail: String = shown.chars().skip(shown.chars().count().saturating_sub(TAIL)).collect();
    let (tone, word) = if exit == Some(0) { (Tone::Good, "passed") } else { (Tone::Bad, "failed") };
    let last = tail.trim_end().lines().next_back().unwrap_or_default();
    pane.show(tone, "✓", &format!("check {} {word}: {}", check.name, text::one_line(last, 160)));
    let blob = worker.blobs.put_bytes(output).await?;
    Ok(CheckReport { name: check.name.clone(), exit, tail, sha256: blob.sha256, size: blob.size })
}

/// Reads to the end, and keeps the beginning.
async fn read(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut from) = from else { return Vec::new() };
    let mut kept = Vec::new();
    // What cannot be read is not there; the exit code decides.
    drop((&mut from).take(OUTPUT_MAX).read_to_end(&mut kept).await);
    drop(tokio::io::copy(&mut from, &mut tokio::io::sink()).await);
    kept
}
