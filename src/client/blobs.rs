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
use crate::protocol::various::Blob;

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
