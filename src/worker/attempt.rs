//! One attempt at a task, from its claim to its report.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Worker;
use super::keeper::Keeper;
use super::live::{End, ROLE_FILE};
use super::meter::Meter;
use super::pane::{Pane, Tone};
use super::places::Places;
use super::running::Running;
use super::workspace::Workspace;
use super::{checks, history, report, snapshot, talk, transcript};
use crate::domain::credential::Credential;
use crate::domain::error::{Error, Kind};
use crate::domain::failure::FailureClass;
use crate::domain::pipeline::Tree;
use crate::domain::report::Complete;
use crate::domain::text;
use crate::failpoint;
use crate::protocol::rpc::{Assignment, Call, Notice};
use crate::provider::{Answer, Failure};
use crate::secrets::Redactor;

/// How long an attempt may take for what comes after its CLI and its checks: the snapshot, the history, the reports.
const AFTER: Duration = Duration::from_secs(30 * 60);

/// What an attempt came to.
enum Outcome {
    /// The daemon judges it.
    Complete(Complete),
    /// It came to nothing.
    Failed(Failure),
    /// The claim is over.
    Stopped(String),
}

/// Runs one attempt and reports how it ended. A claim that is over ends the attempt and nothing else.
///
/// # Errors
/// The daemon's refusal of this worker.
pub(super) async fn run(
    worker: &Worker,
    assignment: Assignment,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<(), Error> {
    let token = assignment.token;
    let login = assignment.credential.iter().map(Credential::expose);
    pane.redactor = Redactor::new(login.chain(worker.welcome.provider.secrets.iter().map(String::as_str)));
    let about = match &assignment.product {
        Some(product) => {
            format!("task {} · {} · {} · attempt {}", assignment.task, assignment.kind, product.slug, assignment.attempt)
        }
        None => format!("task {} · {} · attempt {}", assignment.task, assignment.kind, assignment.attempt),
    };
    pane.begin_transcript();
    pane.show(Tone::Title, "▶", &about);
    let mut keeper = Keeper::start(worker.link.clone(), token, Duration::from_millis(worker.welcome.lease_ms));
    let workspace = match Workspace::prepare(worker, &assignment).await {
        Ok(workspace) => workspace,
        Err(error) => {
            let mut meter = Meter::new(token);
            let call = report::failing(&mut meter, broken(&error));
            return report::send(worker, assignment.task, call, &mut meter, pane).await;
        }
    };
    let deadline = Instant::now() + Duration::from_millis(assignment.timeout_ms);
    let mut running = Running { worker, assignment: &assignment, workspace, meter: Meter::new(token), deadline, reporting: None };
    // What comes after the CLI has times of its own; this is for what none of them sees.
    let late = deadline + checks::longest(&assignment) + AFTER;
    let outcome = tokio::select! {
        outcome = attempt(&mut running, pane, typed, notices) => outcome,
        reason = keeper.over() => Ok(Outcome::Stopped(reason)),
        () = sleep_until(late) => {
            let message = "what comes after the CLI (its checks, its snapshot) did not come to an end".to_owned();
            Ok(Outcome::Failed(Failure { class: FailureClass::Timeout, message, resets_at: None }))
        }
    };
    let mut outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) if error.kind == Kind::Conflict => Outcome::Stopped(error.to_string()),
        Err(error) => Outcome::Failed(broken(&error)),
    };
    // Whatever is said now may free the task or its tree for somebody else.
    running.workspace.gone().await?;
    if let Outcome::Failed(failure) = &mut outcome {
        failure.message = pane.redactor.redact(&failure.message);
        pane.show(Tone::Bad, "✗", &format!("{}: {}", failure.class, failure.message));
    }
    if !matches!(outcome, Outcome::Stopped(_)) {
        report::keep_transcript(worker, token, pane).await;
    }
    match outcome {
        Outcome::Complete(complete) => {
            report::send(worker, assignment.task, Call::Complete(complete), &mut running.meter, pane).await
        }
        Outcome::Failed(failure) => {
            let call = report::failing(&mut running.meter, failure);
            report::send(worker, assignment.task, call, &mut running.meter, pane).await
        }
        Outcome::Stopped(reason) => {
            pane.show(Tone::Warn, "■", &format!("stopped: {reason}"));
            report::released(worker, &mut running.meter).await
        }
    }
}

/// What of the machine failed is not the task's fault.
fn broken(error: &Error) -> Failure {
    let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let class = if error.kind == Kind::Invalid { FailureClass::EvidenceMissing } else { FailureClass::SandboxFailed };
    Failure { class, message: format!("{error}{hint}"), resets_at: None }
}

async fn attempt(
    running: &mut Running<'_>,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<Outcome, Error> {
    let (worker, assignment) = (running.worker, running.assignment);
    let role = Places::of(worker, &running.workspace).text(&assignment.system_prompt);
    running.workspace.put_into_home(ROLE_FILE, &role)?;
    worker.link.call::<()>(Call::Started { token: assignment.token }).await?;
    failpoint::reach("worker.before-spawn");
    let answer = match talk::talk(running, pane, typed, notices).await? {
        End::Answered(answer) => answer,
        End::Failed(failure) => return Ok(Outcome::Failed(failure)),
        End::Stopped(reason) => return Ok(Outcome::Stopped(reason)),
    };
    worker.link.call::<()>(Call::Validating { token: assignment.token }).await?;
    let Answer { structured, text: said } = answer;
    let Some(result) = structured else {
        let message = format!("the answer is no structured result: {}", text::one_line(&said, 300));
        return Ok(Outcome::Failed(Failure { class: FailureClass::ResultMissing, message, resets_at: None }));
    };
    if let Err(why) = report::bounded(&result) {
        return Ok(Outcome::Failed(Failure { class: FailureClass::ResultMissing, message: why, resets_at: None }));
    }
    let mut results = Vec::new();
    for check in &assignment.checks {
        let workspace = running.workspace.for_check(worker, assignment).await?;
        results.push(checks::run(worker, &workspace, check, pane).await?);
    }
    let manifest = match assignment.tree {
        Tree::Write => {
            // Only when nothing in the sandbox can change the tree any more.
            drop(running.workspace.lock().await?);
            let manifest = snapshot::take(worker, &running.workspace.tree, &pane.redactor).await?;
            history::record(worker, &running.workspace, assignment, &manifest).await?;
            Some(manifest)
        }
        Tree::None | Tree::Snapshot => None,
    };
    let progress = running.meter.next();
    pane.show(Tone::Dim, "Σ", &transcript::cost(&progress.usage, progress.cost.usd()));
    let result = pane.redactor.redact_json(result);
    Ok(Outcome::Complete(Complete { progress, result, manifest, checks: results }))
}
