//! The swarm at a glance, and whether the daemon is well.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::Value;

use crate::domain::principal::Principal;
use crate::protocol::daemon::{Halted, Health};
use crate::protocol::status::StatusView;
use crate::protocol::tasks::Reason;
use crate::server::body::{Body, Refusal};
use crate::server::{App, views};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(health))
        .route("/api/v1/status", get(status))
        .route("/api/v1/halt", post(halt))
        .route("/api/v1/shutdown", post(shutdown))
}

async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        home: app.host.about().home,
    })
}

async fn status(State(app): State<App>) -> Result<Json<StatusView>, Refusal> {
    let status = app.swarm.status().await?;
    Ok(Json(views::status(status, app.host.about(), &app.hub)))
}

/// Stops everything and answers when every process is gone.
async fn halt(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Body(body): Body<Reason>,
) -> Result<Json<Halted>, Refusal> {
    app.swarm.halt(&who, body.reason.unwrap_or_else(|| format!("by {who}"))).await?;
    Ok(Json(app.host.end_everything().await))
}

/// Ends the daemon; sessions live on.
async fn shutdown(State(app): State<App>, Extension(who): Extension<Principal>) -> Result<Json<Value>, Refusal> {
    who.must_be_operator("shut the daemon down")?;
    app.host.shut_down();
    Ok(Json(Value::Object(serde_json::Map::new())))
}
