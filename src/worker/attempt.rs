//! One attempt at a task, from its claim to its report.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::Worker;
use super::conversation::ConversationFile;
use super::live::{self, End, Meter, ROLE_FILE};
use super::pane::{Pane, Tone};
use super::places::Places;
use super::workspace::Workspace;
use super::{checks, history, snapshot, transcript};
use crate::client::link::Link;
use crate::domain::credential::Credential;
use crate::domain::error::{Error, Kind};
use crate::domain::failure::FailureClass;
use crate::domain::pipeline::Tree;
use crate::domain::report::{Complete, Ended, Fail};
use crate::domain::task::{JSON_MAX_BYTES, Token};
use crate::domain::text;
use crate::failpoint;
use crate::protocol::rpc::{Assignment, Call, Notice, Renewed};
use crate::protocol::various::Blob;
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
        let (link, progress) = (self.worker.link.clone(), self.meter.next());
        tokio::spawn(async move {
            if let Err(error) = link.call::<()>(Call::Progress(progress)).await {
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
    let keeper = Keeper::start(worker.link.clone(), token, Duration::from_millis(worker.welcome.lease_ms));
    let workspace = match Workspace::prepare(worker, &assignment).await {
        Ok(workspace) => workspace,
        Err(error) => {
            let mut meter = Meter::new(token);
            let call = failing(&mut meter, broken(&error));
            return report(worker, call, &mut meter, pane).await;
        }
    };
    let deadline = Instant::now() + Duration::from_millis(assignment.timeout_ms);
    let mut running = Running { worker, assignment: &assignment, workspace, meter: Meter::new(token), keeper, deadline };
    let mut outcome = match attempt(&mut running, pane, typed, notices).await {
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
        keep_transcript(worker, token, pane).await;
    }
    match outcome {
        Outcome::Complete(complete) => report(worker, Call::Complete(complete), &mut running.meter, pane).await,
        Outcome::Failed(failure) => {
            let call = failing(&mut running.meter, failure);
            report(worker, call, &mut running.meter, pane).await
        }
        Outcome::Stopped(reason) => {
            pane.show(Tone::Warn, "■", &format!("stopped: {reason}"));
            released(worker, &mut running.meter).await
        }
    }
}

/// Keeps what the pane showed of the attempt among the task's artifacts. An attempt is what it is without it.
async fn keep_transcript(worker: &Worker, token: Token, pane: &mut Pane) {
    let kept = async {
        let Blob { sha256, size } = worker.blobs.put_bytes(pane.end_transcript().into_bytes()).await?;
        worker.link.call::<()>(Call::Artifact { token, name: "transcript".to_owned(), sha256, size }).await
    };
    if let Err(error) = kept.await {
        tracing::debug!(%error, "the transcript was not kept");
    }
}

/// What of the machine failed is not the task's fault.
fn broken(error: &Error) -> Failure {
    let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let class = if error.kind == Kind::Invalid { FailureClass::EvidenceMissing } else { FailureClass::SandboxFailed };
    Failure { class, message: format!("{error}{hint}"), resets_at: None }
}

fn failing(meter: &mut Meter, failure: Failure) -> Call {
    Call::Fail(Fail { progress: meter.next(), class: failure.class, detail: failure.message, resets_at: failure.resets_at })
}

async fn report(worker: &Worker, call: Call, meter: &mut Meter, pane: &mut Pane) -> Result<(), Error> {
    failpoint::reach("worker.before-report");
    match worker.link.call::<Ended>(call).await {
        Ok(Ended::Done) => pane.show(Tone::Good, "✔", "done"),
        Ok(Ended::Again) => pane.show(Tone::Warn, "↻", "not accepted, or not possible now; it will be tried again"),
        Ok(Ended::Failed) => pane.show(Tone::Bad, "✗", "failed; a person has to look"),
        Ok(Ended::Over) => return released(worker, meter).await,
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::Denied | Kind::Invalid) => {
            pane.show(Tone::Warn, "■", &error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn released(worker: &Worker, meter: &mut Meter) -> Result<(), Error> {
    match worker.link.call::<()>(Call::Released(meter.next())).await {
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
    let role = Places::of(worker, &running.workspace).text(&assignment.system_prompt);
    running.workspace.put_into_home(ROLE_FILE, &role)?;
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
    if let Err(why) = bounded(&result) {
        return Ok(Outcome::Failed(Failure { class: FailureClass::ResultMissing, message: why, resets_at: None }));
    }
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
    let progress = running.meter.next();
    pane.show(Tone::Dim, "Σ", &transcript::cost(&progress.usage, progress.cost.usd()));
    let result = pane.redactor.redact_json(result);
    Ok(Outcome::Complete(Complete { progress, result, manifest, checks: results }))
}

/// The deepest result that is passed on; a reader at the other end gives up at 128.
const DEPTH_MAX: usize = 64;

/// Whether a result can travel: the daemon must be able to read it before it can refuse it.
fn bounded(result: &serde_json::Value) -> Result<(), String> {
    fn depth(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            serde_json::Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    let bytes = result.to_string().len();
    if bytes > JSON_MAX_BYTES {
        return Err(format!("the result has {bytes} bytes, and may have {JSON_MAX_BYTES}"));
    }
    let levels = depth(result);
    if levels > DEPTH_MAX {
        return Err(format!("the result is nested {levels} deep, and may be {DEPTH_MAX}"));
    }
    Ok(())
}

/// Talks to the CLI. A conversation that turns out to be there already is gone on with; one that turns out not to be there, or of which
/// the CLI can make nothing, is begun.
async fn talk(
    running: &mut Running<'_>,
    pane: &mut Pane,
    typed: &mut mpsc::Receiver<String>,
    notices: &mut mpsc::Receiver<Notice>,
) -> Result<End, Error> {
    let (id, assignment) = (running.assignment.conversation, running.assignment);
    let file = ConversationFile::of(running.worker, &running.workspace, id);
    let mut resume = assignment.resume && file.as_ref().is_some_and(ConversationFile::is_there);
    for last in [false, false, true] {
        let correction = assignment.correction.as_ref().filter(|it| !file.as_ref().is_some_and(|file| file.holds(it.id)));
        let (conversation, message, opening) = match (resume, correction) {
            (true, None) => (Conversation::Resume(id), Uuid::new_v4(), &assignment.resume_prompt),
            (true, Some(correction)) => (Conversation::Resume(id), correction.id, &correction.text),
            (false, _) => (Conversation::New(id), Uuid::new_v4(), &assignment.prompt),
        };
        if resume {
            pane.note("the conversation goes on where it was cut off");
        }
        let end = live::converse(running, conversation, file.as_ref(), (message, opening), pane, typed, notices).await?;
        match &end {
            End::Failed(failure) if !last && failure.class == FailureClass::ConversationInUse => resume = true,
            End::Failed(failure) if !last && failure.class == FailureClass::ConversationUnknown => {
                if let Some(file) = &file {
                    let failed = |error| Error::unavailable(format!("the conversation's file cannot be set aside: {error}"));
                    file.set_aside(assignment.attempt).map_err(failed)?;
                }
                resume = false;
            }
            _ => return Ok(end),
        }
        running.meter.next_process();
    }
    Err(Error::unavailable("the conversation can neither be begun nor resumed"))
}
