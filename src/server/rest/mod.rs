//! REST under `/api/v1`: one file a noun.

mod agents;
mod approvals;
pub(super) mod blobs;
mod events;
mod products;
mod status;
mod tasks;

use axum::Router;
use axum::http::{Method, Uri};

use super::App;
use super::body::Refusal;
use crate::domain::error::Error;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(status::routes())
        .merge(tasks::routes())
        .merge(approvals::routes())
        .merge(agents::routes())
        .merge(products::routes())
        .merge(events::routes())
}

pub(super) async fn nothing_here(method: Method, uri: Uri) -> Refusal {
    Refusal(Error::not_found(format!("there is nothing at {method} {}", uri.path())))
}
