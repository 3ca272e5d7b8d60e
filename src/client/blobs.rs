//! Bytes to and from the artifact store, over HTTP even on one machine, so that a worker elsewhere needs nothing new.

use std::io::Seek;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::http::{Http, TRANSFER};
use super::pause::Pause;
use crate::domain::error::{Error, Kind};
use crate::domain::snapshot::Manifest;
use crate::protocol::artifacts::Blob;

/// How long a transfer is tried again while the daemon is away, and how long a daemon may be silent in one: longer than any restart.
const PATIENCE: Duration = Duration::from_secs(600);

/// The way to the artifact store.
pub struct Blobs {
    http: Http,
}

impl Blobs {
    /// The artifact store behind a socket.
    ///
    /// # Errors
    /// `Unavailable` where the socket's folder is not there; `Denied` where it is not this user's.
    pub fn new(socket: &Path) -> Result<Self, Error> {
        Ok(Self { http: Http::at(socket)? })
    }

    /// Puts a file, from its beginning. Waits while the daemon is away or has no room.
    ///
    /// # Errors
    /// The daemon's refusal; `Unavailable` where the file cannot be read.
    pub async fn put_file(&self, file: std::fs::File) -> Result<Blob, Error> {
        patiently(async || {
            let mut again = file.try_clone().map_err(unreadable)?;
            again.rewind().map_err(unreadable)?;
            let body = reqwest::Body::wrap_stream(ReaderStream::new(tokio::fs::File::from_std(again)));
            self.put(body).await
        })
        .await
    }

    /// Puts bytes. Waits while the daemon is away or has no room.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn put_bytes(&self, bytes: Vec<u8>) -> Result<Blob, Error> {
        patiently(async || self.put(bytes.clone().into()).await).await
    }

    async fn put(&self, body: reqwest::Body) -> Result<Blob, Error> {
        let request = self.http.request(Method::PUT, &["api", "v1", "artifacts"])?.body(body);
        Ok(self.http.ask(request, TRANSFER).await?)
    }

    /// The files of a snapshot.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away.
    pub async fn manifest(&self, snapshot: &str) -> Result<Manifest, Error> {
        patiently(async || {
            let request = self.http.request(Method::GET, &["api", "v1", "snapshots", snapshot])?;
            Ok(self.http.ask(request, PATIENCE).await?)
        })
        .await
    }

    /// Writes what is kept under a name.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away or where writing fails.
    pub async fn get(&self, sha256: &str, mut to: impl AsyncWrite + Unpin) -> Result<(), Error> {
        let mut download = self.http.download(sha256, PATIENCE).await?;
        while let Some(piece) = download.next().await? {
            to.write_all(piece.as_ref()).await.map_err(|error| unwritable(&error))?;
        }
        to.flush().await.map_err(|error| unwritable(&error))
    }
}

/// Does it again while the daemon is away: what was worked for must not be lost because nobody could take it.
async fn patiently<T>(transfer: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let until = Instant::now() + PATIENCE;
    let mut pause = Pause::default();
    loop {
        match transfer().await {
            Err(error) if error.kind == Kind::Unavailable && Instant::now() < until => pause.wait().await,
            done => return done,
        }
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::invalid("file", format!("cannot be read: {error}"))
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::unavailable(format!("what the artifact store sent cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use axum::http::StatusCode;
    use axum::routing::{get, put};
    use serde_json::json;

    use super::*;

    /// An artifact store that knows one name and takes nothing.
    fn store(socket: &Path) {
        let full = || async {
            let problem = json!({"kind": "invalid", "status": 422, "detail": "too\u{1b}[2J large"});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(problem))
        };
        let routes = axum::Router::new()
            .route("/api/v1/artifacts", put(full))
            .route("/api/v1/artifacts/abc", get(|| async { b"\x1b[2Jas it is".as_slice() }));
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
    }

    #[tokio::test]
    async fn a_refusal_is_cleaned_and_bytes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("worker.sock");
        store(&socket);
        let blobs = Blobs::new(&socket).unwrap();
        let refused = blobs.put_bytes(b"x".to_vec()).await.unwrap_err();
        assert_eq!((refused.kind, refused.message.as_str()), (Kind::Invalid, "too[2J large"));
        let mut bytes = Vec::new();
        blobs.get("abc", &mut bytes).await.unwrap();
        assert_eq!(bytes, b"\x1b[2Jas it is");
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_is_away_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(&folder.path().join("worker.sock")).unwrap();
        let began = Instant::now();
        assert_eq!(blobs.put_bytes(Vec::new()).await.unwrap_err().kind, Kind::Unavailable);
        assert!((PATIENCE..PATIENCE * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}
