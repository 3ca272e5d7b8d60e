//! HTTP: which path is answered how.
//!
//! Here: routes, limits, headers, the socket. Not here: what is answered (`script.rs`) and how fast (`playback.rs`).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::answer::{Answer, tokens};
use super::error::ApiError;
use super::failures::Played;
use super::journal::{Entry, Journal, Outcome};
use super::playback::{self, Pace};
use super::request::MessagesRequest;
use super::scenario::Scenario;
use super::script::{Chosen, Ending, Play, choose};
use super::stream::events;

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// The model server, bound to its address and not yet running.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
    house: Arc<House>,
}

/// What every request needs.
#[derive(Debug)]
struct House {
    scenario: Scenario,
    pace: Pace,
    journal: Journal,
    played: Mutex<Played>,
    closing: CancellationToken,
}

impl Server {
    /// Takes an address; port 0 takes a free one. From here on connections wait, and are answered by [`Server::run`].
    ///
    /// # Errors
    /// If the address is not on loopback (whoever reaches the server makes it speak as the model), or cannot be taken.
    pub fn bind(addr: SocketAddr, scenario: Scenario, pace: Pace) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            let message = format!("{addr} is not a loopback address: the rehearsal server speaks on this machine only");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (journal, played, closing) = (Journal::new(), Mutex::default(), CancellationToken::new());
        Ok(Self { listener, addr, house: Arc::new(House { scenario, pace, journal, played, closing }) })
    }

    /// The address it is bound to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What `ANTHROPIC_BASE_URL` must be.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The record of what is asked.
    pub fn journal(&self) -> Journal {
        self.house.journal.clone()
    }

    /// Answers until `shutdown` is ready; answers that are being played then are broken off.
    ///
    /// # Errors
    /// If the socket cannot be served. A connection that fails ends alone.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let closing = self.house.closing.clone();
        let router = router(self.house);
        let listener = tokio::net::TcpListener::from_std(self.listener)?.tap_io(|connection| {
            // Events are small and must not wait for one another; a connection that refuses this works all the same.
            drop(connection.set_nodelay(true));
        });
        let shutdown = async move {
            shutdown.await;
            closing.cancel();
        };
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }
}

fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/", on(MethodFilter::HEAD, greet))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(count_tokens))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(house)
}

/// The CLI asks whether anyone is there before it sends a prompt.
async fn greet(State(house): State<Arc<House>>, method: Method, uri: Uri) -> StatusCode {
    house.journal.record(method.as_str(), uri.path(), Entry::default(), 200, Outcome::Answered);
    StatusCode::OK
}

async fn unknown(State(house): State<Arc<House>>, method: Method, uri: Uri) -> Response {
    let short: String = uri.path().chars().take(200).collect();
    let error = ApiError::refusal(StatusCode::NOT_FOUND, "not_found_error", format!("there is no {method} {short} here"));
    house.refuse(&method, &uri, Entry::default(), error)
}

async fn count_tokens(
    State(house): State<Arc<House>>,
    method: Method,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match read(body).and_then(|body| parse(&body).map(|_| body.len())) {
        Ok(length) => {
            house.journal.record(method.as_str(), uri.path(), Entry::default(), 200, Outcome::Answered);
            Json(json!({"input_tokens": tokens(length)})).into_response()
        }
        Err(error) => house.refuse(&method, &uri, Entry::default(), *error),
    }
}

async fn messages(State(house): State<Arc<House>>, method: Method, uri: Uri, body: Result<Bytes, BytesRejection>) -> Response {
    let (request, length) = match read(body).and_then(|body| Ok((parse(&body)?, body.len()))) {
        Ok(read) => read,
        Err(error) => return house.refuse(&method, &uri, Entry::default(), *error),
    };
    let unique = Uuid::new_v4().simple().to_string();
    let chosen = {
        let mut played = house.played.lock().unwrap_or_else(PoisonError::into_inner);
        choose(&house.scenario, &request, length, &unique, &mut played)
    };
    let Chosen { task, turn, play } = chosen;
    let (task_id, task_type) = task.map(|task| (task.id, task.kind)).unzip();
    let entry = Entry { task_id, task_type, turn };
    let (answer, first_wait, ending) = match play {
        Play::Error(error) => return house.refuse(&method, &uri, entry, error),
        Play::Garbage => {
            house.journal.record(method.as_str(), uri.path(), entry, 200, Outcome::Rehearsed);
            return event_stream(Body::from(&b"\x00\xff<html>\r\n\r\ndata: {\"type\":"[..]));
        }
        Play::Answer { answer, wait, ending } => (answer, wait, ending),
    };
    let outcome = if ending == Ending::Complete { Outcome::Answered } else { Outcome::Rehearsed };
    house.journal.record(method.as_str(), uri.path(), entry, 200, outcome);
    if request.stream == Some(true) {
        event_stream(playback::body(events(&answer), first_wait, ending, house.pace, house.closing.clone()))
    } else {
        house.whole(&answer, first_wait, ending).await
    }
}

impl House {
    /// An answer in one piece.
    async fn whole(&self, answer: &Answer, first_wait: Duration, ending: Ending) -> Response {
        if ending != Ending::Complete {
            // There are no events to play: the failure begins behind the headers.
            let body = playback::body(Default::default(), first_wait, ending, self.pace, self.closing.clone());
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        if !playback::wait(self.pace.apply(first_wait), &self.closing).await {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Json(answer.to_json()).into_response()
    }

    fn refuse(&self, method: &Method, uri: &Uri, entry: Entry, error: ApiError) -> Response {
        let outcome = if error.rehearsed { Outcome::Rehearsed } else { Outcome::Refused };
        self.journal.record(method.as_str(), uri.path(), entry, error.status.as_u16(), outcome);
        let body = json!({"type": "error", "error": {"type": error.kind, "message": error.message}});
        let mut response = (error.status, Json(body)).into_response();
        let own: HeaderMap = error.headers;
        response.headers_mut().extend(own);
        response
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Box<ApiError>> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body is larger than {BODY_LIMIT} bytes");
            Box::new(ApiError::refusal(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message))
        }
        _ => Box::new(ApiError::invalid("the body could not be read")),
    })
}

fn parse(body: &[u8]) -> Result<MessagesRequest, Box<ApiError>> {
    MessagesRequest::parse(body)
        .map_err(|error| Box::new(ApiError::invalid(format!("the body is no request for an answer: {error}"))))
}
