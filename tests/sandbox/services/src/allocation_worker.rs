//! allocation-worker: handles `PURCHASE_CREATED` and requests a trainer allocation from
//! admin-service.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::event::{DEAD_LETTERS, Event, TRAINER_ALLOCATED};
use crate::failure::{Failure, chain};
use crate::worker::{Clients, Worker};
use crate::{admin, http, setting};

pub struct AllocationWorker {
    admin_service: String,
    http: reqwest::Client,
    /// If false, marks the event regardless of the answer, like the old version.
    verify_row: bool,
    /// If false, marks the event without calling the API.
    calls_api: bool,
    /// If true, writes the allocation itself instead of calling the API, like later versions.
    in_process: bool,
    delay: Duration,
}

/// The answer from admin-service.
struct Answer {
    http_status: u16,
    success: bool,
    allocation: Option<Uuid>,
    trainer: Option<Uuid>,
    error: Option<String>,
}

impl AllocationWorker {
    pub fn from_environment() -> Result<Self, Failure> {
        Ok(Self {
            admin_service: setting::required("ADMIN_SERVICE_URL")?,
            http: http::client()?,
            verify_row: setting::switch("VERIFY_ROW", true),
            calls_api: setting::switch("ALLOCATION_CALLS_API", true),
            in_process: setting::switch("ALLOCATION_IN_PROCESS", false),
            delay: Duration::from_millis(setting::number("ALLOCATION_DELAY_MS", 0)),
        })
    }

    /// Calls auto-assign, and logs before and after.
    async fn call(&self, event: &Event) -> Result<Answer, Failure> {
        let student = event.id("studentId")?;
        let url = format!("{}{}", self.admin_service, admin::AUTO_ASSIGN);
        let body = json!({
            "studentId": student,
            "courseId": event.id("courseId")?,
            "correlationId": event.correlation_id,
        });
        Self::log("Calling admin-service auto-assign", event, &json!({ "studentId": student }));
        let answer = match self.http.post(url).json(&body).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(Failure::error(&format!(
                    "auto-assign call failed: {}",
                    Failure::error(&chain(&error))
                )));
            }
        };
        let status = answer.status().as_u16();
        let body = answer.json::<Value>().await.unwrap_or_default();
        let answer = Answer::read(status, &body);
        Self::log("admin-service auto-assign answered", event, &answer.meta(student));
        Ok(answer)
    }

    /// Verifies that the allocation named in the answer has a row.
    async fn verify(&self, clients: &Clients, event: &Event, answer: &Answer) -> Result<(), Failure> {
        let Some(allocation) = answer.allocation.filter(|_| answer.success) else {
            let reason = answer.error.as_deref().unwrap_or("no allocation id in the answer");
            let status = answer.http_status;
            return Err(Failure::error(&format!("auto-assign answered {status}: {reason}")));
        };
        let Some(status) = clients.database.allocation_status(allocation).await? else {
            return Err(Failure::error(&format!("allocation {allocation} is not in trainer_allocations")));
        };
        let meta = json!({ "allocationId": allocation, "status": status });
        Self::log("Allocation row verified", event, &meta);
        Ok(())
    }
}

impl Worker for AllocationWorker {
    const NAME: &str = "AllocationWorker";
    const SERVICE: &str = "allocation-worker";
    const GROUP: &str = "trainer-allocation-workers";
    const TOPICS: &[&str] = &["purchase-created"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Event;

    async fn handle(&self, clients: &Clients, event: &Event) -> Result<(), Failure> {
        tokio::time::sleep(self.delay).await;
        if let Some(source) = clients.database.marked_by(event).await? {
            Self::log("Event already processed, skipping", event, &json!({ "markedBy": source }));
            return Ok(());
        }
        if self.in_process {
            let (allocation, trainer) = allocate(clients, event).await?;
            clients.database.mark(event, Self::SERVICE).await?;
            Self::log("Event marked as processed", event, &json!({}));
            return emit(clients, event, allocation, trainer).await;
        }
        let answer = if self.calls_api { Some(self.call(event).await?) } else { None };
        if let Some(answer) = answer.as_ref().filter(|_| self.verify_row) {
            self.verify(clients, event, answer).await?;
        }
        clients.database.mark(event, Self::SERVICE).await?;
        Self::log("Event marked as processed", event, &json!({}));
        match answer.and_then(|answer| Some((answer.allocation?, answer.trainer?))) {
            Some((allocation, trainer)) => emit(clients, event, allocation, trainer).await,
            None => {
                Self::log("No trainer assigned, nothing emitted", event, &json!({}));
                Ok(())
            }
        }
    }
}

/// Writes the allocation without calling the API.
async fn allocate(clients: &Clients, event: &Event) -> Result<(Uuid, Uuid), Failure> {
    let insert = "INSERT INTO trainer_allocations (student_id, trainer_id, course_id, status)
         SELECT $1, id, $2, 'approved' FROM trainers ORDER BY random() LIMIT 1
         RETURNING id, trainer_id";
    let (student, course) = (event.id("studentId")?, event.id("courseId")?);
    let row = clients.database.client().await?.query_one(insert, &[&student, &course]).await?;
    let (allocation, trainer): (Uuid, Uuid) = (row.get(0), row.get(1));
    let meta = json!({ "allocationId": allocation, "studentId": student });
    AllocationWorker::log("Allocated in process", event, &meta);
    Ok((allocation, trainer))
}

async fn emit(clients: &Clients, event: &Event, allocation: Uuid, trainer: Uuid) -> Result<(), Failure> {
    let payload = event.payload_with(json!({ "allocationId": allocation, "trainerId": trainer }));
    let source = AllocationWorker::SERVICE;
    let next = Event::new(TRAINER_ALLOCATED, event.correlation_id, source, payload);
    let (partition, offset) = clients.producer.emit(&next).await?;
    AllocationWorker::log(
        "TRAINER_ALLOCATED emitted",
        &next,
        &json!({ "topic": next.topic(), "partition": partition, "offset": offset }),
    );
    Ok(())
}

impl Answer {
    fn read(http_status: u16, body: &Value) -> Self {
        let id = |field: &str| body.pointer(&format!("/data/{field}")).and_then(Value::as_str)?.parse().ok();
        Self {
            http_status,
            success: body["success"].as_bool().unwrap_or(false),
            allocation: id("allocationId"),
            trainer: id("trainerId"),
            error: body["error"].as_str().map(str::to_owned),
        }
    }

    fn meta(&self, student: Uuid) -> Value {
        let mut meta = json!({
            "httpStatus": self.http_status,
            "success": self.success,
            "studentId": student,
        });
        if let Some(allocation) = self.allocation {
            meta["allocationId"] = json!(allocation);
        }
        if let Some(error) = &self.error {
            meta["error"] = json!(error);
        }
        meta
    }
}
