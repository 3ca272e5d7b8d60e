//! Requests over the daemon's socket, and what their answers are: values, or problems as the errors they are.
//!
//! Every text of an answer is cleaned of control characters before anybody sees it. Not here: which requests there are (`rest`).

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::socket::Socket;
use super::{ClientError, unreachable};
use crate::domain::error::Error;
use crate::domain::text;
use crate::protocol::problem::Problem;

pub(super) type Answer<T> = Result<T, ClientError>;

/// How long an ordinary answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever holds the daemon's socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operator {
    http: reqwest::Client,
    socket: Arc<Socket>,
}

impl Operator {
    /// Whoever may use the socket at this path. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] where not even its folder is there; `Denied` where it is not this user's.
    pub fn at(path: &Path) -> Answer<Self> {
        let socket = Socket::at(path)?;
        let http = reqwest::Client::builder().unix_socket(socket.short()).no_proxy().build();
        let http = http.map_err(|error| Error::unavailable(format!("no HTTP client: {error}")))?;
        Ok(Self { http, socket: Arc::new(socket) })
    }

    pub(super) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }

    /// A request that is not sent yet.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> Answer<reqwest::RequestBuilder> {
        Ok(self.http.request(method, url(path)?))
    }

    pub(super) async fn send(&self, request: reqwest::RequestBuilder, patience: Duration) -> Answer<reqwest::Response> {
        let response = request.timeout(patience).send().await.map_err(|error| self.broken(&error, patience))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.broken(&error, patience))?;
        Err(problem(status.as_u16(), &body).into())
    }

    pub(super) async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder, patience: Duration) -> Answer<T> {
        let response = self.send(request, patience).await?;
        let body = response.bytes().await.map_err(|error| self.broken(&error, patience))?;
        serde_json::from_slice::<Value>(&body).map(text::clean_json).and_then(serde_json::from_value).map_err(|error| {
            Error::unavailable(format!("the daemon's answer cannot be read: {error}"))
                .hint("daemon and command are of different versions: stop and start the daemon")
                .into()
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Answer<T> {
        self.ask(self.request(Method::GET, path)?.query(query), PATIENCE).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &(impl Serialize + Sync)) -> Answer<T> {
        self.ask(self.request(Method::POST, path)?.json(body), PATIENCE).await
    }

    pub(super) fn broken(&self, error: &reqwest::Error, patience: Duration) -> ClientError {
        if error.is_timeout() {
            return Error::unavailable(format!("the daemon did not answer within {} s", patience.as_secs()))
                .hint("look at its log: `claude-swarm logs daemon`")
                .into();
        }
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(inner) = inner.downcast_ref::<io::Error>()
                && error.is_connect()
            {
                return unreachable(self.socket.shown(), inner);
            }
            source = inner.source();
        }
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        Error::unavailable(format!("the connection to the daemon broke: {why}"))
            .hint("what was asked may have been done: look before you ask again")
            .into()
    }
}

/// Segments are encoded, so that no name can lead elsewhere.
fn url(path: &[&str]) -> Result<Url, Error> {
    let failed = || Error::unavailable("no address for the request");
    let mut url = Url::parse("http://localhost/").map_err(|_| failed())?;
    url.path_segments_mut().map_err(|()| failed())?.pop_if_empty().extend(path);
    Ok(url)
}

/// What an answer that is no success says.
pub(super) fn problem(status: u16, body: &[u8]) -> Error {
    let problem = serde_json::from_slice::<Value>(body).map(text::clean_json).and_then(serde_json::from_value::<Problem>);
    problem.map_or_else(
        |_| {
            let said = text::one_line(&String::from_utf8_lossy(body), 200);
            Error::unavailable(format!("the daemon answered {status}: {said}"))
        },
        Error::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Kind;

    #[test]
    fn a_problem_keeps_kind_field_and_hint_and_loses_control_characters() {
        let body = br#"{"kind":"invalid","status":422,"detail":"is \u001b[31mred","field":"payload.topic","hint":"say it"}"#;
        let error = problem(422, body);
        assert_eq!((error.kind, error.message.as_str()), (Kind::Invalid, "is [31mred"));
        assert_eq!((error.field.as_deref(), error.hint.as_deref()), (Some("payload.topic"), Some("say it")));
    }

    #[test]
    fn what_is_no_problem_is_quoted_on_one_line() {
        let error = problem(502, b"<html>\x1b]0;x\nmore");
        assert_eq!(error.kind, Kind::Unavailable);
        assert_eq!(error.message, "the daemon answered 502: <html>]0;x");
    }

    #[test]
    fn a_name_cannot_lead_to_another_address() {
        let path = url(&["api", "v1", "accounts", "../halt?x#y", "open"]).unwrap();
        assert_eq!(path.as_str(), "http://localhost/api/v1/accounts/..%2Fhalt%3Fx%23y/open");
    }

    #[tokio::test]
    async fn nobody_at_the_socket_is_told_from_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("operator.sock");
        let nobody = ClientError::NotRunning { socket: socket.clone() };
        assert_eq!(Operator::at(&socket).unwrap().status().await.unwrap_err(), nobody);
        // A daemon that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        assert_eq!(Operator::at(&socket).unwrap().status().await.unwrap_err(), nobody);
        let nowhere = folder.path().join("no/such/folder/operator.sock");
        assert_eq!(Operator::at(&nowhere).unwrap_err(), ClientError::NotRunning { socket: nowhere });
    }

    #[tokio::test]
    async fn a_socket_may_lie_deeper_than_its_address_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a-long-name/".repeat(20));
        std::fs::create_dir_all(&deep).unwrap();
        let open = std::fs::File::open(&deep).unwrap();
        let short = format!("/proc/self/fd/{}/operator.sock", std::os::fd::AsRawFd::as_raw_fd(&open));
        let listener = tokio::net::UnixListener::bind(short).unwrap();
        let answer = || async { axum::Json(serde_json::json!({"status": "ok\u{7}", "version": "1", "pid": 7, "home": "/srv"})) };
        let routes = axum::Router::new().route("/healthz", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let health = Operator::at(&deep.join("operator.sock")).unwrap().health(PATIENCE).await.unwrap();
        assert_eq!((health.status.as_str(), health.pid), ("ok", 7));
    }

    #[tokio::test]
    async fn a_daemon_that_says_nothing_is_not_waited_for_forever() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("operator.sock");
        let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = Operator::at(&socket).unwrap().health(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(&error, ClientError::Refused(error) if error.kind == Kind::Unavailable), "{error:?}");
    }
}
