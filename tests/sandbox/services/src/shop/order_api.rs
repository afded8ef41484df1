//! order-api: writes an order and, in the same transaction, its outbox row.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::http::{self, Answer, refusal};
use crate::log;

const SERVICE: &str = "order-api";
const PORT: u16 = 8081;

pub async fn serve() -> Result<(), Failure> {
    let database = Arc::new(Database::from_environment(SERVICE)?);
    let routes = Router::new().route("/orders", post(order)).with_state(database);
    http::serve(SERVICE, PORT, routes).await
}

async fn order(State(database): State<Arc<Database>>) -> Answer {
    match record(&database).await {
        Ok(order_no) => {
            log::info("Order placed", json!({ "orderNo": order_no }));
            (StatusCode::CREATED, Json(json!({ "orderNo": order_no })))
        }
        Err(failure) => {
            log::error(&format!("Order refused: {failure}"), failure.meta());
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
        }
    }
}

/// Writes the order. Returns its number.
async fn record(database: &Database) -> Result<String, Failure> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let insert = "INSERT INTO sales.orders (customer) VALUES ('C-' || floor(random() * 9000 + 1000)::int)
        RETURNING order_no, customer";
    let row = transaction.query_one(insert, &[]).await?;
    let (order_no, customer): (String, String) = (row.get(0), row.get(1));
    let body = json!({ "orderNo": order_no, "customer": customer });
    let insert = "INSERT INTO sales.outbox (order_no, type, payload) VALUES ($1, 'order-placed', $2)";
    transaction.execute(insert, &[&order_no, &body]).await?;
    transaction.commit().await?;
    Ok(order_no)
}
