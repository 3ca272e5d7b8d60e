//! Products and income.

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};

use crate::domain::principal::Principal;
use crate::protocol::Id;
use crate::protocol::income::IncomeBody;
use crate::protocol::products::ProductView;
use crate::server::body::{Body, Refusal};
use crate::server::{App, views};
use crate::swarm::NewIncome;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/products", get(products)).route("/api/v1/income", get(income).post(add_income))
}

async fn products(State(app): State<App>) -> Result<Json<Vec<ProductView>>, Refusal> {
    let publications = app.swarm.publications().await?;
    let rows = app.swarm.products().await?;
    Ok(Json(rows.into_iter().map(|row| views::product(row, &publications)).collect()))
}

async fn income(State(app): State<App>) -> Result<Json<Vec<IncomeBody>>, Refusal> {
    Ok(Json(app.swarm.income().await?.into_iter().map(views::income).collect()))
}

async fn add_income(
    State(app): State<App>,
    Extension(who): Extension<Principal>,
    Body(body): Body<IncomeBody>,
) -> Result<Json<Id>, Refusal> {
    let new = NewIncome {
        amount: body.amount_cents,
        currency: body.currency,
        source: body.source,
        product: body.product,
        note: body.note,
        at: body.at,
    };
    Ok(Json(Id { id: app.swarm.add_income(&who, new).await? }))
}
