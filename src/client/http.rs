//! HTTP over a daemon's socket, under every client here: how a request travels, and what its answer is: values, bytes, or a problem as the
//! error it is.
//!
//! Every text of an answer is cleaned of control characters before anybody sees it; bytes are not. Not here: which requests there are
//! (`rest`, `blobs`).

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::socket::Socket;
use super::{ClientError, unreachable};
use crate::domain::error::Error;
use crate::domain::text;
use crate::protocol::problem::Problem;

pub(super) type Answer<T> = Result<T, ClientError>;

/// How long what moves bytes may take. The timeout of a request also bounds its body, however large.
pub(super) const TRANSFER: Duration = Duration::from_secs(24 * 3600);

/// A daemon's socket that requests go to. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    socket: Arc<Socket>,
}

impl Http {
    /// What listens at this path. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] where not even its folder is there; `Denied` where it is not this user's.
    pub fn at(path: &Path) -> Answer<Self> {
        let socket = Socket::at(path)?;
        let client = reqwest::Client::builder().unix_socket(socket.short()).no_proxy().build();
        let client = client.map_err(|error| Error::unavailable(format!("no HTTP client: {error}")))?;
        Ok(Self { client, socket: Arc::new(socket) })
    }

    pub fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }

    /// A request that is not sent yet.
    pub fn request(&self, method: Method, path: &[&str]) -> Answer<RequestBuilder> {
        Ok(self.client.request(method, url(path)?))
    }

    /// Asks, and reads the answer as a value.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` where all that takes longer than `patience`, or the answer is no such value.
    pub async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder, patience: Duration) -> Answer<T> {
        let response = self.send(request, patience).await?;
        let body = response.bytes().await.map_err(|error| self.broken(&error, patience))?;
        serde_json::from_slice::<Value>(&body).map(text::clean_json).and_then(serde_json::from_value).map_err(|error| {
            Error::unavailable(format!("the daemon's answer cannot be read: {error}"))
                .hint("daemon and command are of different versions: stop and start the daemon")
                .into()
        })
    }

    /// Begins to take the bytes of an artifact, uncleaned. Nothing may be silent for longer than `patience`.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` where it is silent for too long.
    pub async fn download(&self, sha256: &str, patience: Duration) -> Answer<Download<'_>> {
        let request = self.request(Method::GET, &["api", "v1", "artifacts", sha256])?;
        let response = timeout(patience, self.send(request, TRANSFER)).await.map_err(|_| silent(patience))??;
        Ok(Download { http: self, response, patience })
    }

    async fn send(&self, request: RequestBuilder, patience: Duration) -> Answer<Response> {
        let response = request.timeout(patience).send().await.map_err(|error| self.broken(&error, patience))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.broken(&error, patience))?;
        Err(problem(status.as_u16(), &body).into())
    }

    fn broken(&self, error: &reqwest::Error, patience: Duration) -> ClientError {
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

/// The bytes of an artifact, piece by piece.
pub(super) struct Download<'a> {
    http: &'a Http,
    response: Response,
    patience: Duration,
}

impl Download<'_> {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// `Unavailable` where the connection breaks or nothing comes for too long.
    pub async fn next(&mut self) -> Answer<Option<impl AsRef<[u8]> + use<>>> {
        let piece = timeout(self.patience, self.response.chunk()).await.map_err(|_| silent(self.patience))?;
        piece.map_err(|error| self.http.broken(&error, self.patience))
    }
}

fn silent(patience: Duration) -> Error {
    Error::unavailable(format!("the daemon sent nothing for {} s", patience.as_secs()))
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
}
