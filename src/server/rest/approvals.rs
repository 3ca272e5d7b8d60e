//! Approvals: looking at them, and a person's decision.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;

use crate::domain::approval::Decision;
use crate::domain::principal::Principal;
use crate::protocol::approvals::{ApprovalDetail, ApprovalView, Decide};
use crate::server::body::{Body, Refusal};
use crate::server::params::{Path, Query};
use crate::server::{App, views};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/approvals", get(list))
        .route("/api/v1/approvals/{id}", get(show))
        .route("/api/v1/approvals/{id}/approve", post(approve))
        .route("/api/v1/approvals/{id}/reject", post(reject))
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    all: bool,
}

async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Result<Json<Vec<ApprovalView>>, Refusal> {
    let rows = app.swarm.approvals(filter.all).await?;
    Ok(Json(rows.into_iter().map(|(row, product)| views::approval(row, product.as_ref())).collect()))
}

async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<ApprovalDetail>, Refusal> {
    let (row, product, manifest) = app.swarm.approval(id).await?;
    Ok(Json(views::approval_detail(row, product.as_ref(), manifest)))
}

async fn decide(app: App, who: Principal, id: i64, decision: Decision, body: Decide) -> Result<Json<ApprovalView>, Refusal> {
    let row = app.swarm.decide(&who, id, decision, body.reason, body.binding).await?;
    Ok(Json(views::approval(row, None)))
}

async fn approve(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(id): Path<i64>,
    Body(body): Body<Decide>,
) -> Result<Json<ApprovalView>, Refusal> {
    decide(app, who, id, Decision::Approve, body).await
}

async fn reject(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Path(id): Path<i64>,
    Body(body): Body<Decide>,
) -> Result<Json<ApprovalView>, Refusal> {
    decide(app, who, id, Decision::Reject, body).await
}
