//! buy: makes a purchase through payment-service and waits for it to arrive.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::database::Database;
use crate::failure::{Failure, chain};
use crate::{http, payment};

const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Args)]
pub struct Arguments {
    /// The student's id; random by default
    #[arg(long, value_name = "UUID")]
    student: Option<Uuid>,
    /// Do not wait until the sessions are scheduled
    #[arg(long)]
    no_wait: bool,
}

/// Prints only the id on stdout, and the progress on stderr.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let id = purchase(arguments.student).await?;
    println!("{id}");
    if !arguments.no_wait {
        follow(id).await;
    }
    Ok(())
}

#[derive(Args)]
pub struct Load {
    /// Purchases per second
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// Duration in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u32,
}

/// Makes purchases at a fixed rate without waiting for them to arrive.
pub async fn load(load: &Load) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / load.rate.max(1));
    for _ in 0..load.rate * load.seconds {
        ticks.tick().await;
        purchase(None).await?;
    }
    eprintln!("load: {} purchases", load.rate * load.seconds);
    Ok(())
}

async fn purchase(student: Option<Uuid>) -> Result<Uuid, Failure> {
    let body = student.map_or(json!({}), |student| json!({ "studentId": student }));
    let url = format!("http://127.0.0.1:{}/purchases", payment::PORT);
    let answer = http::client()?.post(url).json(&body).send().await;
    let answer = answer.map_err(|error| {
        Failure::unavailable(&format!("no answer from payment-service: {}", chain(&error)))
    })?;
    let body: Value = answer.json().await.map_err(|error| Failure::error(&chain(&error)))?;
    let error = body["error"].as_str();
    let id = body.pointer("/data/paymentId").and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse().ok()) else {
        let error = error.unwrap_or("no payment id in its answer");
        return Err(Failure::error(&format!("payment-service refused the purchase: {error}")));
    };
    if let Some(error) = error {
        eprintln!("buy: paid and recorded, but not sent: {error}");
    }
    Ok(id)
}

/// Waits until all steps are complete. On timeout, prints which steps are complete.
async fn follow(id: Uuid) {
    let started = Instant::now();
    loop {
        let steps = steps(id).await;
        let arrived = steps.as_ref().is_ok_and(|steps| steps.iter().all(|(_, complete)| *complete));
        if !arrived && started.elapsed() < TIMEOUT {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let seconds = started.elapsed().as_secs_f32();
        match steps {
            Ok(_) if arrived => eprintln!("buy: sessions scheduled after {seconds:.1} s"),
            Ok(steps) => eprintln!("buy: stuck after {seconds:.1} s: {}", describe(&steps)),
            Err(failure) => eprintln!("buy: cannot query the steps: {failure}"),
        }
        return;
    }
}

type Step = (&'static str, bool);

fn describe(steps: &[Step]) -> String {
    let steps =
        steps.iter().map(|(name, complete)| format!("{name} {}", if *complete { "yes" } else { "no" }));
    steps.collect::<Vec<_>>().join(", ")
}

async fn steps(id: Uuid) -> Result<[Step; 5], Failure> {
    // A new connection each time, so that a failed query does not affect the next one.
    let database = Database::from_environment("buy")?;
    let query = "SELECT
        EXISTS (SELECT FROM student_course_purchases WHERE metadata->>'paymentId' = p.id::text),
        EXISTS (SELECT FROM processed_events
            WHERE correlation_id::text = p.id::text AND event_type = 'PURCHASE_CREATED'),
        EXISTS (SELECT FROM trainer_allocations a
            WHERE a.student_id = p.student_id AND a.course_id::text = p.metadata->>'courseId'),
        EXISTS (SELECT FROM tutoring_sessions s
            WHERE s.student_id = p.student_id AND s.course_id::text = p.metadata->>'courseId'),
        EXISTS (SELECT FROM processed_events
            WHERE correlation_id::text = p.id::text AND event_type = 'TRAINER_ALLOCATED')
        FROM payments p WHERE p.id = $1";
    let row: Row = database.client().await?.query_one(query, &[&id]).await?;
    Ok([
        ("purchase", row.get(0)),
        ("PURCHASE_CREATED marked", row.get(1)),
        ("allocation", row.get(2)),
        ("sessions", row.get(3)),
        ("TRAINER_ALLOCATED marked", row.get(4)),
    ])
}
