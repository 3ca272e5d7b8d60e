//! The workers' door: JSON-RPC over a WebSocket. Reports of one worker are done in the order in which they came; a claim waits beside
//! them.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message as Ws, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::App;
use crate::domain::error::Error;
use crate::domain::failure::FailureClass;
use crate::domain::name::AgentName;
use crate::domain::principal::Principal;
use crate::domain::report::{Fail, Progress};
use crate::protocol::problem::Problem;
use crate::protocol::rpc::{
    AssignedProduct, Assignment, Call, Correction, Frame, Hello, Message, Notice, Renewed, Request, Welcome,
};
use crate::protocol::{BODY_MAX, OLDEST, VERSION};
use crate::swarm::{ClaimAnswer, Claimed, MessageRow};

/// Answers that may wait for one worker.
const WAITING: usize = 64;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/rpc", get(connect))
}

async fn connect(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(16 * BODY_MAX).on_upgrade(move |socket| Box::pin(talk(socket, app)))
}

pub(super) fn message(row: MessageRow) -> Message {
    Message { id: row.id, uuid: row.uuid.parse().unwrap_or_default(), sender: row.sender, body: row.body }
}

/// One worker's connection.
struct Worker {
    app: App,
    who: Principal,
    agent: AgentName,
    session: i64,
    claiming: Option<JoinHandle<()>>,
    answers: mpsc::Sender<Frame>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(claiming) = &self.claiming {
            claiming.abort();
        }
    }
}

async fn talk(mut socket: WebSocket, app: App) {
    let (answers, mut outgoing) = mpsc::channel(WAITING);
    let Some((worker, frame)) = greet(&mut socket, app, answers).await else { return };
    if !send(&mut socket, &frame).await {
        return;
    }
    let Some(mut worker) = worker else { return };
    let mut notices = worker.app.hub.join(worker.agent.clone());
    // What was accepted while it was not connected, or by a daemon that died before it could tell.
    for row in worker.app.swarm.waiting_messages(worker.agent.clone()).await.unwrap_or_default() {
        if !send(&mut socket, &notice(Notice::Message(message(row)))).await {
            return;
        }
    }
    loop {
        tokio::select! {
            frame = socket.recv() => {
                let Some(Ok(frame)) = frame else { return };
                let Ws::Text(text) = frame else { continue };
                let answer = match serde_json::from_str::<Request>(&text) {
                    Ok(request) => worker.handle(request).await,
                    Err(error) => Some(failure(id_of(&text), Error::invalid("request", format!("is not understood: {error}")))),
                };
                if let Some(answer) = answer && !send(&mut socket, &answer).await {
                    return;
                }
            }
            Some(answer) = outgoing.recv() => {
                if !send(&mut socket, &answer).await {
                    return;
                }
            }
            told = notices.recv() => {
                // A newer connection of the same agent has taken this one's place.
                let Some(told) = told else { return };
                if !send(&mut socket, &notice(told)).await {
                    return;
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, frame: &Frame) -> bool {
    match serde_json::to_string(frame) {
        Ok(text) => socket.send(Ws::Text(text.into())).await.is_ok(),
        Err(_) => false,
    }
}

fn notice(notice: Notice) -> Frame {
    Frame::Notice { jsonrpc: "2.0".to_owned(), notice }
}

fn answer(id: u64, outcome: Result<Value, Error>) -> Frame {
    match outcome {
        Ok(value) => Frame::Answer { jsonrpc: "2.0".to_owned(), id, result: Some(value), error: None },
        Err(error) => failure(id, error),
    }
}

fn failure(id: u64, error: Error) -> Frame {
    Frame::Answer { jsonrpc: "2.0".to_owned(), id, result: None, error: Some(Problem::from(error).into()) }
}

/// The number of a request that is not understood, so that whoever waits for its answer gets one.
fn id_of(text: &str) -> u64 {
    serde_json::from_str::<Value>(text).ok().and_then(|request| request.get("id")?.as_u64()).unwrap_or_default()
}

fn json(value: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::unavailable(format!("the answer could not be written: {error}")))
}

/// The first frame must be a hello from the live session's worker.
async fn greet(socket: &mut WebSocket, app: App, answers: mpsc::Sender<Frame>) -> Option<(Option<Worker>, Frame)> {
    let Some(Ok(Ws::Text(text))) = socket.recv().await else { return None };
    let (id, hello) = match serde_json::from_str::<Request>(&text) {
        Ok(Request { id, call: Call::Hello(hello), .. }) => (id, hello),
        Ok(Request { id, .. }) => return Some((None, failure(id, Error::invalid("method", "the first call is `hello`")))),
        Err(error) => {
            return Some((None, failure(id_of(&text), Error::invalid("request", format!("is not understood: {error}")))));
        }
    };
    match welcome(&app, &hello).await {
        Ok((agent, welcome)) => {
            let who = Principal::Worker(agent.clone());
            let worker = Worker { app, who, agent, session: hello.session, claiming: None, answers };
            Some((Some(worker), answer(id, json(welcome))))
        }
        Err(error) => Some((None, failure(id, error))),
    }
}

async fn welcome(app: &App, hello: &Hello) -> Result<(AgentName, Welcome), Error> {
    if !(OLDEST..=VERSION).contains(&hello.protocol) {
        return Err(Error::invalid("protocol", format!("version {} is not spoken here", hello.protocol))
            .hint(format!("versions {OLDEST} to {VERSION} are; the session is started again with the daemon's own binary")));
    }
    let agent: AgentName = hello.agent.parse()?;
    let welcome = app.host.welcome(&agent)?;
    app.swarm.session_ready(&Principal::Worker(agent.clone()), hello.session).await?;
    Ok((agent, welcome))
}

impl Worker {
    /// Does what is asked; a claim is answered later.
    async fn handle(&mut self, request: Request) -> Option<Frame> {
        let Request { id, call, .. } = request;
        if let Call::Claim {} = call {
            self.claim(id);
            return None;
        }
        Some(answer(id, self.report(call).await))
    }

    async fn report(&self, call: Call) -> Result<Value, Error> {
        let (swarm, who) = (&self.app.swarm, &self.who);
        match call {
            Call::Hello(_) => Err(Error::conflict("hello was said already")),
            Call::Claim {} => Err(Error::conflict("a claim is answered by itself")),
            Call::Renew { token } => json(Renewed { live: swarm.renew(who, token)? }),
            Call::Started { token } => swarm.started(who, token).await.and_then(json),
            Call::Validating { token } => swarm.validating(who, token).await.and_then(json),
            Call::Progress(progress) => swarm.progress(who, progress).await.and_then(json),
            Call::Artifact { token, name, sha256, size } => {
                swarm.keep_artifact(who, token, name, sha256, size).await.and_then(json)
            }
            Call::Complete(complete) => swarm.complete(who, complete).await.and_then(json),
            Call::Fail(fail) => swarm.fail(who, fail).await.and_then(json),
            Call::Released(progress) => swarm.released(who, progress).await.and_then(json),
            Call::Typed { id, text } => swarm.tell(who, self.agent.clone(), id, text).await.and_then(json),
            Call::Delivered { token, message } => swarm.delivered(who, token, message).await.and_then(json),
        }
    }

    /// Answers when there is work. One claim waits at a time; a newer one takes its place.
    fn claim(&mut self, id: u64) {
        let (app, who, agent, session) = (self.app.clone(), self.who.clone(), self.agent.clone(), self.session);
        let answers = self.answers.clone();
        let waiting = tokio::spawn(async move {
            let outcome = wait_for_work(&app, &who, &agent, session).await.and_then(json);
            // The connection is gone where nobody takes the answer; the next one gets the same claim.
            drop(answers.send(answer(id, outcome)).await);
        });
        if let Some(before) = self.claiming.replace(waiting) {
            before.abort();
        }
    }
}

async fn wait_for_work(app: &App, who: &Principal, agent: &AgentName, session: i64) -> Result<Assignment, Error> {
    let mut newest = app.swarm.follow();
    loop {
        newest.borrow_and_update();
        let wait = match app.swarm.claim(who, session).await? {
            ClaimAnswer::Task(claimed) => {
                app.hub.held_back(agent, None);
                match assignment(app, *claimed).await? {
                    Some(assignment) => return Ok(assignment),
                    None => continue,
                }
            }
            ClaimAnswer::Wait(wait) => wait,
        };
        app.hub.held_back(agent, wait.why);
        let due = async {
            match wait.until {
                Some(until) => {
                    let millis = u64::try_from(until.0 - app.swarm.now().0).unwrap_or(0);
                    tokio::time::sleep(std::time::Duration::from_millis(millis.saturating_add(1))).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = newest.changed() => {
                if changed.is_err() {
                    return Err(Error::unavailable("the daemon is shutting down"));
                }
            }
            () = due => {}
        }
    }
}

/// The claim with what only the daemon knows: a login, read afresh. Without one the claim is given back and the account waits for a
/// person.
async fn assignment(app: &App, claimed: Claimed) -> Result<Option<Assignment>, Error> {
    let token = claimed.attempt.token;
    let conversation = claimed.attempt.conversation.parse();
    let conversation =
        conversation.map_err(|error| Error::conflict(format!("the conversation of {token} has no name: {error}")))?;
    let means = match app.host.means(&claimed.attempt.provider) {
        Ok(means) => means,
        Err(why) => {
            let progress = Progress { token, report: 0, usage: claimed.attempt.usage, cost: claimed.attempt.cost };
            let class = FailureClass::LoginRequired;
            let who = Principal::Worker(claimed.attempt.agent);
            app.swarm.fail(&who, Fail { progress, class, detail: why, resets_at: None }).await?;
            return Ok(None);
        }
    };
    let system_prompt = app.swarm.rules().role_of(&claimed.attempt.agent).map(|role| role.prompt.clone()).unwrap_or_default();
    Ok(Some(Assignment {
        task: claimed.task.id,
        kind: claimed.task.kind,
        attempt: claimed.attempt.number,
        token,
        model: claimed.attempt.model,
        system_prompt,
        prompt: claimed.prompt,
        resume_prompt: claimed.resume_prompt,
        correction: claimed.correction.map(|(id, text)| Correction { id, text }),
        conversation,
        resume: claimed.resume,
        result_schema: claimed.spec.result,
        tree: claimed.spec.tree,
        product: claimed.product.map(|product| AssignedProduct {
            id: product.id,
            slug: product.slug,
            snapshot: claimed.task.snapshot,
        }),
        checks: claimed.spec.checks,
        budget_usd: claimed.attempt.budget.usd(),
        timeout_ms: u64::from(claimed.spec.timeout_minutes) * 60_000,
        messages: claimed.messages.into_iter().map(message).collect(),
        program: means.program.display().to_string(),
        credential: Some(means.credential),
    }))
}
