//! Helpers shared by HTTP services and clients.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::{Json, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::{Failure, chain};
use crate::log;

/// A service's answer to an HTTP request.
pub type Answer = (StatusCode, Json<Value>);

/// Serves the routes and `GET /health` on this port on all interfaces.
pub async fn serve(service: &'static str, port: u16, routes: Router) -> Result<(), Failure> {
    let health = json!({ "status": "ok", "service": service });
    let routes = routes.route("/health", get(async || Json(health)));
    let listener = TcpListener::bind(("0.0.0.0", port))
        .await
        .map_err(|error| Failure::error(&format!("cannot listen on port {port}: {error}")))?;
    log::info(&format!("{service} listening"), json!({ "port": port }));
    axum::serve(listener, routes).await.map_err(|error| Failure::error(&error))
}

/// Returns an answer with the body `{"success":false,"error":…}`.
pub fn refusal(status: StatusCode, error: &str) -> Answer {
    (status, Json(json!({ "success": false, "error": error })))
}

pub fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(3))
        .no_proxy()
        .build()
        .map_err(|error| Failure::error(&error))
}

pub async fn check_health(port: u16) -> Result<(), Failure> {
    let url = format!("http://127.0.0.1:{port}/health");
    let answer = client()?.get(url).send().await.map_err(|error| Failure::unavailable(&chain(&error)))?;
    answer.error_for_status().map(|_| ()).map_err(|error| Failure::error(&error))
}

/// Sends a POST request to a service in this container and prints the answer.
pub async fn post(port: u16, path: &str) -> Result<(), Failure> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let answer = client()?.post(url).send().await.map_err(|error| Failure::unavailable(&chain(&error)))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| Failure::unavailable(&chain(&error)))?;
    if !status.is_success() {
        return Err(Failure::error(&format!("{path} answered {status}: {body}")));
    }
    println!("{body}");
    Ok(())
}
