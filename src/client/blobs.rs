//! Bytes to and from the artifact store, over HTTP even on one machine, so that a worker elsewhere needs nothing new.

use std::path::Path;

use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::socket::{ShortPath, shorten};
use crate::domain::error::Error;
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

    /// Puts a file.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away.
    pub async fn put_file(&self, file: tokio::fs::File) -> Result<Blob, Error> {
        let body = reqwest::Body::wrap_stream(ReaderStream::new(file));
        self.put(body).await
    }

    /// Puts bytes.
    ///
    /// # Errors
    /// The daemon's; `Unavailable` while it is away.
    pub async fn put_bytes(&self, bytes: Vec<u8>) -> Result<Blob, Error> {
        self.put(bytes.into()).await
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
        let response = self.http.get(format!("{BASE}/snapshots/{snapshot}")).send().await.map_err(unavailable)?;
        checked(response).await?.json().await.map_err(unavailable)
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
