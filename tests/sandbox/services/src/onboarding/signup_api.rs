//! signup-api: writes a signup, then sends `signup-requested`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::notice::{Notice, SIGNUP_REQUESTED};
use super::ulid;
use crate::database::Database;
use crate::failure::Failure;
use crate::http::{self, Answer, refusal};
use crate::kafka::Producer;
use crate::log;
use crate::worker::PipelineEvent as _;

const SERVICE: &str = "signup-api";
const PORT: u16 = 8083;

struct SignupApi {
    database: Database,
    producer: Producer,
}

pub async fn serve() -> Result<(), Failure> {
    let service = SignupApi {
        database: Database::from_environment(SERVICE)?,
        producer: Producer::from_environment(SERVICE, SERVICE)?,
    };
    let routes = Router::new().route("/signups", post(signup)).with_state(Arc::new(service));
    http::serve(SERVICE, PORT, routes).await
}

async fn signup(State(service): State<Arc<SignupApi>>) -> Answer {
    let signup = ulid::new();
    match service.request(&signup).await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "signupId": signup }))),
        Err(failure) => {
            log::error(&format!("signup failed: {failure}"), json!({ "signup": signup }));
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
        }
    }
}

impl SignupApi {
    async fn request(&self, signup: &str) -> Result<(), Failure> {
        let email = format!("{}@example.com", signup.to_lowercase());
        let insert = "INSERT INTO signups (id, email) VALUES ($1, $2)";
        self.database.client().await?.execute(insert, &[&signup, &email]).await?;
        let notice = Notice::new(SIGNUP_REQUESTED, signup, SERVICE, json!({ "email": email }));
        notice.send(&self.producer).await?;
        log::info("signup requested", notice.log_fields());
        Ok(())
    }
}
