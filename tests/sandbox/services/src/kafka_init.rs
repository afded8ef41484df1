//! kafka-init: creates the missing topics and exits.

use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;
use serde_json::json;

use crate::failure::Failure;
use crate::{kafka, log};

#[derive(Args)]
pub struct Arguments {
    /// The topics to create
    #[arg(default_values = ["purchase-confirmed", "purchase-created", "trainer-allocated", "dead-letter-queue"])]
    topics: Vec<String>,
}

const PARTITIONS: i32 = 3;
const TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = kafka::client_config("kafka-init")?
        .set("log_level", "0")
        .create()
        .map_err(|error| Failure::error(&error))?;
    let started = Instant::now();
    while let Err(failure) = create(&admin, &arguments.topics).await {
        if started.elapsed() > TIMEOUT {
            return Err(failure);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn create(admin: &AdminClient<DefaultClientContext>, topics: &[String]) -> Result<(), Failure> {
    let new = |name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1));
    let topics: Vec<_> = topics.iter().map(String::as_str).map(new).collect();
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(2)));
    let results =
        admin.create_topics(&topics, &options).await.map_err(|error| Failure::unavailable(&error))?;
    for result in results {
        match result {
            Ok(topic) => log::info("Topic created", json!({ "topic": topic })),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => {
                log::info("Topic exists", json!({ "topic": topic }));
            }
            Err((topic, code)) => return Err(Failure::error(&format!("{topic}: {code}"))),
        }
    }
    Ok(())
}
