//! Bytes to and from the artifact store, over HTTP even on one machine, so that a worker elsewhere needs nothing new.

use std::io::Seek;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::socket::{ShortPath, shorten};
use crate::domain::error::{Error, Kind};
use crate::domain::snapshot::Manifest;
use crate::protocol::problem::Problem;
use crate::protocol::various::Blob;

/// The way to the artifact store.
pub struct Blobs {
    http: reqwest::Client,
    _socket: ShortPath,
}

/// The name that HTTP wants and a socket does not have.
const BASE: &str = "http://daemon/api/v1";

impl Blobs {
    /// The artifact store behind a socket.
    ///
    /// # Errors
    /// `Unavailable` where the socket's folder cannot be opened.
    pub fn new(socket: &Path) -> Result<Self, Error> {
        let short = shorten(socket).map_err(|error| Error::unavailable(format!("{}: {error}", socket.display())))?;
        let http = reqwest::Client::builder().unix_socket(short.path.clone()).build().map_err(unavailable)?;
        Ok(Self { http, _socket: short })
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
        let response = self.http.put(format!("{BASE}/artifacts")).body(body).send().await.map_err(unavailable)?;
        checked(response).await?.json().await.map_err(unavailable)
    }

    /// The files of a snapshot.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away.
    pub async fn manifest(&self, snapshot: &str) -> Result<Manifest, Error> {
        patiently(async || {
            let response = self.http.get(format!("{BASE}/snapshots/{snapshot}")).send().await.map_err(unavailable)?;
            checked(response).await?.json().await.map_err(unavailable)
        })
        .await
    }

    /// Writes what is kept under a name.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away or where writing fails.
    pub async fn get(&self, sha256: &str, mut to: impl AsyncWrite + Unpin) -> Result<(), Error> {
        let response = self.http.get(format!("{BASE}/artifacts/{sha256}")).send().await.map_err(unavailable)?;
        let mut pieces = checked(response).await?.bytes_stream();
        while let Some(piece) = pieces.next().await {
            to.write_all(&piece.map_err(unavailable)?).await.map_err(unavailable)?;
        }
        to.flush().await.map_err(unavailable)
    }
}

/// How long a transfer is tried again while the daemon is away: longer than any restart.
const PATIENCE: Duration = Duration::from_secs(600);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Does it again while the daemon is away: what was worked for must not be lost because nobody could take it.
async fn patiently<T>(transfer: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        match transfer().await {
            Err(error) if error.kind == Kind::Unavailable && Instant::now() < until => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::invalid("file", format!("cannot be read: {error}"))
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("the artifact store: {error}"))
}

async fn checked(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => Err(problem.into()),
        Err(_) => Err(unavailable(format!("the daemon answered {status}"))),
    }
}
