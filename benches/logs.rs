//! Measures how fast the secrets in log records are masked, in megabytes per second.
//!
//! `cargo bench --bench logs`

use pipeline_doctor::base::secret::redact;
use std::hint::black_box;
use std::time::Instant;

/// Records of each text.
const RECORDS: usize = 20_000;

/// Returns JSON log records; every `one_in`-th has a token.
fn records(one_in: usize) -> Vec<String> {
    let record = |number: usize| {
        let number = number + one_in * RECORDS; // No record is known from before.
        let secret = match number % one_in {
            0 => format!(",\"access_token\":\"k{number}Zq8s7d6f5g4h3j2k1\""),
            _ => String::new(),
        };
        format!(
            "{{\"level\":\"info\",\"time\":\"2026-01-07T16:55:{:02}.{:03}Z\",\"logger\":\"com.shop.orders.Worker\",\
             \"msg\":\"processed order {number} in {} ms\",\"correlationId\":\"ord-{number:06}\",\"offset\":{number}{secret}}}",
            number % 60,
            number % 1000,
            number % 97,
        )
    };
    (1..=RECORDS).map(record).collect()
}

fn main() {
    println!("{:<28}{:>12}", "records with a secret", "masked MB/s");
    for (name, one_in) in [("none", RECORDS + 1), ("one in a hundred", 100), ("all", 1)] {
        let records = records(one_in);
        let bytes: usize = records.iter().map(String::len).sum();
        let start = Instant::now();
        for record in &records {
            black_box(redact(record));
        }
        let rate = bytes as f64 / 1e6 / start.elapsed().as_secs_f64();
        println!("{name:<28}{rate:>12.1}");
    }
}
