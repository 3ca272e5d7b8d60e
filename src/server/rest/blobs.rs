//! Bytes of the artifact store, and manifests of snapshots.

use std::io;

use axum::body::Body as HttpBody;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Extension, Json, Router};
use futures_util::TryStreamExt;
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::domain::snapshot::Manifest;
use crate::protocol::artifacts::Blob;
use crate::server::App;
use crate::server::body::Refusal;
use crate::server::params::Path;

/// The largest single file, in bytes.
const FILE_MAX: u64 = 1024 * 1024 * 1024;

pub(in crate::server) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/artifacts", put(upload))
        .route("/api/v1/artifacts/{sha256}", get(download))
        .route("/api/v1/snapshots/{hash}", get(snapshot))
        .layer(DefaultBodyLimit::disable())
}

/// Only what runs outside every sandbox may see or send bytes.
fn may(who: &Principal) -> Result<(), Error> {
    if *who == Principal::Workers { Ok(()) } else { who.must_be_operator("use the artifact store") }
}

async fn upload(State(app): State<App>, Extension(who): Extension<Principal>, body: HttpBody) -> Result<Json<Blob>, Refusal> {
    may(&who)?;
    let stream = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let artifacts = app.swarm.artifacts().clone();
    let put = tokio::task::spawn_blocking(move || artifacts.put(SyncIoBridge::new(stream), FILE_MAX)).await;
    let kept = put.map_err(io::Error::other).and_then(|kept| kept).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => Error::invalid("body", format!("is too large: {error}")),
        io::ErrorKind::StorageFull => {
            Error::unavailable("the disk is full; nothing was kept").hint("free some space and ask again")
        }
        _ => Error::unavailable(format!("the artifact store did not take it: {error}")),
    })?;
    Ok(Json(Blob { sha256: kept.sha256, size: kept.size }))
}

async fn download(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(sha256): Path<String>,
) -> Result<Response, Refusal> {
    may(&who)?;
    let missing = Error::not_found("there is no such artifact");
    let size = app.swarm.artifacts().size(&sha256).ok_or_else(|| missing.clone())?;
    let file = app.swarm.artifacts().open_blob(&sha256).map_err(|_| missing)?;
    let stream = ReaderStream::new(tokio::fs::File::from_std(file));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, HttpBody::from_stream(stream)).into_response())
}

async fn snapshot(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(hash): Path<String>,
) -> Result<Json<Manifest>, Refusal> {
    may(&who)?;
    Ok(Json(app.swarm.snapshot(hash).await?))
}
