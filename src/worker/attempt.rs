//! One attempt at a task, from its claim to its report.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Worker;
use super::live::{self, End, Meter, ROLE_FILE, has_conversation};
use super::pane::{Pane, Tone};
use super::workspace::Workspace;
use super::{checks, history, snapshot, transcript};
use crate::client::link::Link;
use crate::domain::error::{Error, Kind};
use crate::domain::failure::FailureClass;
use crate::domain::pipeline::Tree;
use crate::domain::task::Token;
use crate::domain::text;
use crate::failpoint;
use crate::protocol::rpc::{Assignment, Call, Complete, Ending, Fail, Notice, Renewed};
use crate::provider::{Answer, Conversation, Failure};
use crate::secrets::Redactor;

/// An attempt under way.
pub(super) struct Running<'a> {
    pub worker: &'a Worker,
    pub assignment: &'a Assignment,
    pub workspace: Workspace,
    pub meter: Meter,
    pub keeper: Keeper,
    pub deadline: Instant,
}

/// Renews the claim while the attempt lives.
pub(super) struct Keeper {
    renewing: JoinHandle<()>,
    over: watch::Receiver<Option<String>>,
}

impl Keeper {
    fn start(link: Link, token: Token, lease: Duration) -> Self {
        let (say, over) = watch::channel(None);
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                match link.call::<Renewed>(Call::Renew { token }).await {
                    Ok(Renewed { live: true }) => {}
                    Ok(Renewed { live: false }) => break drop(say.send(Some("the claim is over".to_owned()))),
                    Err(error) => break drop(say.send(Some(error.to_string()))),
                }
            }
        });
        Self { renewing, over }
    }

    /// Waits until the claim is over, and says why.
    pub(super) async fn over(&mut self) -> String {
        match self.over.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Running<'_> {
    /// Reports what was used until now, without waiting for the answer.
    pub(super) fn report_progress(&mut self) {
        let (link, metered) = (self.worker.link.clone(), self.meter.next());
        tokio::spawn(async move {
            if let Err(error) = link.call::<()>(Call::Progress(metered)).await {
                tracing::debug!(%error, "progress was not taken");
            }
        });
    }
}

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
    pane.redactor = assignment.credential.as_ref().map(|login| Redactor::new([login.expose()])).unwrap_or_default();
    let about = match &assignment.product {
        Some(product) => {
            format!("task {} · {} · {} · attempt {}", assignment.task, assignment.kind, product.slug, assignment.attempt)
        }
        None => format!("task {} · {} · attempt {}", assignment.task, assignment.kind, assignment.attempt),
    };
    pane.show(Tone::Title, "▶", &about);
    let keeper = Keeper::start(worker.link.clone(), token, Duration::from_millis(worker.welcome.lease_ms));
    let workspace = match Workspace::prepare(worker, &assignment).await {
        Ok(workspace) => workspace,
        Err(error) => {
            let call = failing(&mut Meter::new(token), broken(&error));
            return report(worker, call, token, pane).await;
        }
    };
    let deadline = Instant::now() + Duration::from_millis(assignment.timeout_ms);
    let mut running = Running { worker, assignment: &assignment, workspace, meter: Meter::new(token), keeper, deadline };
    let outcome = match attempt(&mut running, pane, typed, notices).await {
        Ok(outcome) => outcome,
        Err(error) if error.kind == Kind::Conflict => Outcome::Stopped(error.to_string()),
        Err(error) => Outcome::Failed(broken(&error)),
    };
    match outcome {
        Outcome::Complete(complete) => report(worker, Call::Complete(complete), token, pane).await,
        Outcome::Failed(mut failure) => {
            failure.message = pane.redactor.redact(&failure.message);
            pane.show(Tone::Bad, "✗", &format!("{}: {}", failure.class, failure.message));
            let call = failing(&mut running.meter, failure);
            report(worker, call, token, pane).await
        }
        Outcome::Stopped(reason) => {
            pane.show(Tone::Warn, "■", &format!("stopped: {reason}"));
            // Proves that everything in the sandbox is gone.
            drop(running.workspace.lock().await?);
            released(worker, token).await
        }
    }
}

/// What of the machine failed is not the task's fault.
fn broken(error: &Error) -> Failure {
    let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let class = if error.kind == Kind::Invalid { FailureClass::EvidenceMissing } else { FailureClass::SandboxFailed };
    Failure { class, message: format!("{error}{hint}"), resets_at: None }
}

fn failing(meter: &mut Meter, failure: Failure) -> Call {
    Call::Fail(Fail { metered: meter.next(), class: failure.class, detail: failure.message, resets_at: failure.resets_at })
}

async fn report(worker: &Worker, call: Call, token: Token, pane: &mut Pane) -> Result<(), Error> {
    failpoint::reach("worker.before-report");
    match worker.link.call::<Ending>(call).await {
        Ok(Ending::Done) => pane.show(Tone::Good, "✔", "done"),
        Ok(Ending::Again) => pane.show(Tone::Warn, "↻", "not accepted, or not possible now; it will be tried again"),
        Ok(Ending::Failed) => pane.show(Tone::Bad, "✗", "failed; a person has to look"),
        Ok(Ending::Over) => return released(worker, token).await,
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::Denied | Kind::Invalid) => {
            pane.show(Tone::Warn, "■", &error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn released(worker: &Worker, token: Token) -> Result<(), Error> {
    match worker.link.call::<()>(Call::Released { token }).await {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::NotFound | Kind::Denied) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn attempt(
    running: &mut Running<'_>,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<Outcome, Error> {
    let (worker, assignment) = (running.worker, running.assignment);
    running.workspace.put_into_home(ROLE_FILE, &assignment.system_prompt)?;
    worker.link.call::<()>(Call::Started { token: assignment.token }).await?;
    failpoint::reach("worker.before-spawn");
    let answer = match talk(running, pane, typed, notices).await? {
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
    let mut results = Vec::new();
    for check in &assignment.checks {
        let workspace = running.workspace.for_check(worker, assignment).await?;
        tokio::select! {
            result = checks::run(worker, &workspace, check, pane) => results.push(result?),
            reason = running.keeper.over() => return Ok(Outcome::Stopped(reason)),
        }
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
    let metered = running.meter.next();
    pane.show(Tone::Dim, "Σ", &transcript::cost(&metered.usage, metered.cost_micro_usd.usd()));
    let result = pane.redactor.redact_json(result);
    Ok(Outcome::Complete(Complete { metered, result, manifest, checks: results }))
}

/// Talks to the CLI. A conversation that turns out to be there already, or not to be there, is taken the other way, once.
async fn talk(
    running: &mut Running<'_>,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<End, Error> {
    let (id, assignment) = (running.assignment.conversation, running.assignment);
    let mut resume = assignment.resume && has_conversation(running.worker, &running.workspace.home, id);
    for last in [false, true] {
        let (conversation, opening) = if resume {
            pane.note("the conversation goes on where it was cut off");
            (Conversation::Resume(id), &assignment.resume_prompt)
        } else {
            (Conversation::New(id), &assignment.prompt)
        };
        let end = live::converse(running, conversation, opening, pane, typed, notices).await?;
        match &end {
            End::Failed(failure) if !last && failure.class == FailureClass::ConversationInUse => resume = true,
            End::Failed(failure) if !last && failure.class == FailureClass::ConversationUnknown => resume = false,
            _ => return Ok(end),
        }
        running.meter.next_process();
    }
    Err(Error::unavailable("the conversation can neither be begun nor resumed"))
}
