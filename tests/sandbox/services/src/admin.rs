//! admin-service: assigns trainers. Environment variables switch on its faults.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::database::Database;
use crate::failure::Failure;
use crate::http::{self, Answer, refusal};
use crate::{log, setting};

pub const AUTO_ASSIGN: &str = "/api/v1/admin/allocations/auto-assign";
const ALLOCATIONS: &str = "/api/v1/admin/allocations";
const SERVICE: &str = "admin-service";
const PORT: u16 = 3010;
const SILENT_ERROR: &str = "allocation engine unavailable";

struct AdminService {
    database: Database,
    /// Maps correlation ids to allocation ids, so that a repeated call does not assign a
    /// second trainer.
    assigned: Mutex<HashMap<Uuid, Uuid>>,
    switches: Switches,
}

struct Switches {
    /// Answers 200 with an error in the body and does nothing.
    silent: bool,
    loses_row: LosesRow,
    nobody_free: bool,
    /// Tries to approve each pending allocation with a trainer who was deleted.
    deleted_trainer: bool,
    /// Answers all requests except health checks with this status.
    status: Option<StatusCode>,
}

/// Which calls return an allocation but roll back its transaction.
#[derive(PartialEq, Eq)]
enum LosesRow {
    Never,
    /// The first call for each correlation id.
    First,
    Always,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    student_id: Uuid,
    course_id: Uuid,
    correlation_id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    student_id: Uuid,
}

/// An allocation: its id, and its trainer if one was available.
struct Allocation {
    id: Uuid,
    trainer: Option<Uuid>,
}

pub async fn serve() -> Result<(), Failure> {
    let service = AdminService {
        database: Database::from_environment(SERVICE)?,
        assigned: Mutex::default(),
        switches: Switches::from_environment(),
    };
    let routes = Router::new()
        .route(AUTO_ASSIGN, post(auto_assign))
        .route(ALLOCATIONS, get(allocations))
        .with_state(Arc::new(service));
    http::serve(SERVICE, PORT, routes).await
}

impl Switches {
    fn from_environment() -> Self {
        Self {
            silent: setting::switch("ADMIN_SILENT", false),
            loses_row: match setting::optional("ADMIN_LOSES_ROW").as_deref() {
                Some("first") => LosesRow::First,
                Some("always") => LosesRow::Always,
                _ => LosesRow::Never,
            },
            nobody_free: setting::switch("NOBODY_FREE", false),
            deleted_trainer: setting::switch("DELETED_TRAINER", false),
            status: u16::try_from(setting::number("ADMIN_STATUS", 0))
                .ok()
                .and_then(|status| StatusCode::from_u16(status).ok()),
        }
    }

    /// Returns the answer forced by a switch, or `None` if no switch forces one.
    fn forced_answer(&self) -> Option<Answer> {
        if let Some(status) = self.status {
            return Some(refusal(status, status.canonical_reason().unwrap_or("error")));
        }
        self.silent.then(|| refusal(StatusCode::OK, SILENT_ERROR))
    }
}

async fn auto_assign(State(service): State<Arc<AdminService>>, Json(request): Json<Assignment>) -> Answer {
    let meta = json!({
        "studentId": request.student_id, "courseId": request.course_id,
        "correlationId": request.correlation_id,
    });
    log::info(&format!("POST {AUTO_ASSIGN}"), meta);
    let answer = match service.switches.forced_answer() {
        Some(answer) => answer,
        None => service.assign(&request).await.unwrap_or_else(|failure| {
            log::error(&format!("auto-assign failed: {failure}"), failure.meta());
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
        }),
    };
    log_answer(&request, &answer);
    answer
}

fn log_answer(request: &Assignment, (status, Json(body)): &Answer) {
    let mut meta = json!({
        "studentId": request.student_id, "correlationId": request.correlation_id,
        "success": body["success"],
    });
    for (from, to) in
        [("/data/allocationId", "allocationId"), ("/data/status", "status"), ("/error", "error")]
    {
        if let Some(value) = body.pointer(from) {
            meta[to] = value.clone();
        }
    }
    log::info(&format!("auto-assign answered {}", status.as_u16()), meta);
}

async fn allocations(State(service): State<Arc<AdminService>>, Query(filter): Query<Filter>) -> Answer {
    if let Some(answer) = service.switches.forced_answer() {
        return answer;
    }
    match service.of_student(filter.student_id).await {
        Ok(rows) => (StatusCode::OK, Json(json!({ "success": true, "data": rows }))),
        Err(failure) => {
            log::error(&format!("listing allocations failed: {failure}"), failure.meta());
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
        }
    }
}

impl AdminService {
    async fn assign(&self, request: &Assignment) -> Result<Answer, Failure> {
        // Held until the end, so that concurrent calls for one purchase are serialized.
        let mut assigned = self.assigned.lock().await;
        let previous = assigned.get(&request.correlation_id).copied();
        let allocation = match self.existing(previous).await? {
            Some(allocation) => allocation,
            None => {
                let lose = match self.switches.loses_row {
                    LosesRow::Never => false,
                    LosesRow::First => previous.is_none(),
                    LosesRow::Always => true,
                };
                self.insert(request, lose).await?
            }
        };
        assigned.insert(request.correlation_id, allocation.id);
        if self.switches.deleted_trainer
            && let Err(failure) = self.approve(allocation.id, Uuid::new_v4()).await
        {
            let meta = json!({ "correlationId": request.correlation_id, "allocationId": allocation.id });
            log::error(&format!("approving the allocation failed: {failure}"), meta);
        }
        Ok(allocation.answer())
    }

    async fn existing(&self, id: Option<Uuid>) -> Result<Option<Allocation>, Failure> {
        let Some(id) = id else { return Ok(None) };
        let query = "SELECT trainer_id FROM trainer_allocations WHERE id = $1";
        let row = self.database.client().await?.query_opt(query, &[&id]).await?;
        Ok(row.map(|row| Allocation { id, trainer: row.get(0) }))
    }

    /// Writes an allocation. If `lose` is set, rolls it back without an error.
    async fn insert(&self, request: &Assignment, lose: bool) -> Result<Allocation, Failure> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        let trainer = "SELECT id FROM trainers ORDER BY random() LIMIT 1";
        let trainer: Option<Uuid> = match self.switches.nobody_free {
            true => None,
            false => transaction.query_opt(trainer, &[]).await?.map(|row| row.get(0)),
        };
        let status = if trainer.is_some() { "approved" } else { "pending" };
        let row = transaction
            .query_one(
                "INSERT INTO trainer_allocations (student_id, trainer_id, course_id, status)
                 VALUES ($1, $2, $3, $4) RETURNING id",
                &[&request.student_id, &trainer, &request.course_id, &status],
            )
            .await?;
        if lose {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(Allocation { id: row.get(0), trainer })
    }

    async fn approve(&self, allocation: Uuid, trainer: Uuid) -> Result<(), Failure> {
        let update = "UPDATE trainer_allocations SET trainer_id = $2, status = 'approved' WHERE id = $1";
        self.database.client().await?.execute(update, &[&allocation, &trainer]).await?;
        Ok(())
    }

    async fn of_student(&self, student: Uuid) -> Result<Vec<Value>, Failure> {
        let query = "SELECT id, trainer_id, course_id, status FROM trainer_allocations
            WHERE student_id = $1 ORDER BY created_at";
        let rows = self.database.client().await?.query(query, &[&student]).await?;
        let rows = rows.iter().map(|row| {
            json!({
                "allocationId": row.get::<_, Uuid>(0), "trainerId": row.get::<_, Option<Uuid>>(1),
                "courseId": row.get::<_, Uuid>(2), "status": row.get::<_, String>(3),
                "studentId": student,
            })
        });
        Ok(rows.collect())
    }
}

impl Allocation {
    /// Answers 201 with a trainer, or 202 if none was available.
    fn answer(&self) -> Answer {
        let (code, status) = match self.trainer {
            Some(_) => (StatusCode::CREATED, "approved"),
            None => (StatusCode::ACCEPTED, "pending"),
        };
        let data = json!({ "allocationId": self.id, "status": status, "trainerId": self.trainer });
        (code, Json(json!({ "success": true, "data": data })))
    }
}
