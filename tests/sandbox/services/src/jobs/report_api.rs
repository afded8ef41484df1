//! report-api: writes a report request and queues its first job.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::{queue, render};
use crate::database::Database;
use crate::failure::Failure;
use crate::http::{self, Answer, refusal};
use crate::log;

const SERVICE: &str = "report-api";
const PORT: u16 = 8082;

pub async fn serve() -> Result<(), Failure> {
    let database = Arc::new(Database::from_environment(SERVICE)?);
    let routes = Router::new().route("/reports", post(report)).with_state(database);
    http::serve(SERVICE, PORT, routes).await
}

async fn report(State(database): State<Arc<Database>>) -> Answer {
    match request(&database).await {
        Ok(report) => {
            log::info("report requested", json!({ "report": report }));
            (StatusCode::ACCEPTED, Json(json!({ "reportId": report })))
        }
        Err(failure) => {
            log::error(&format!("report refused: {failure}"), failure.meta());
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
        }
    }
}

/// Writes the request. Returns its id.
async fn request(database: &Database) -> Result<i64, Failure> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let insert = "INSERT INTO reports (requested_by) VALUES ('controller@example.com') RETURNING id";
    let report = transaction.query_one(insert, &[]).await?.get(0);
    queue::push(&transaction, render::KIND, report).await?;
    transaction.commit().await?;
    Ok(report)
}
