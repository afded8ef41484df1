//! Measures how fast the program reads the files of `--logs`, finds the kinds of trouble in them and masks
//! secrets, beside `rg -c` with the words that the program searches for, in the same run.
//!
//! `cargo bench --bench log_files`; needs ripgrep in `PATH`.

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::lint;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Size of each file.
const MEGABYTES: usize = 100;
/// Runs of each program, in turn; the median counts.
const RUNS: usize = 5;

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let words = directory.path().join("words");
    write_words(&words);
    println!(
        "{:<18}{:>16}{:>10}{:>10}{:>10}{:>10}",
        "trouble in", "records", "MB/s", "rg MB/s", "ratio", "peak MB"
    );
    for (name, one_in) in [("no record", usize::MAX), ("one in a hundred", 100), ("all records", 1)] {
        let logs = directory.path().join(name.replace(' ', "-"));
        fs::create_dir(&logs).expect("a directory");
        let file = logs.join("part.log");
        let (records, bytes) = write_log(&file, one_in);
        let (mut own, mut ripgrep, mut peak): (Vec<Duration>, Vec<Duration>, u64) = Default::default();
        for _ in 0..RUNS {
            let (time, memory) = run(Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"))
                .args(["--config", "tests/support/log_corpus/pipeline.toml", "--json", "--deadline", "60s"])
                .args(["--without", "docker,kafka,postgres,http", "--logs"])
                .arg(&logs));
            own.push(time);
            peak = peak.max(memory);
            let (time, _) = run(Command::new("rg").args(["-c", "-i", "-F", "-f"]).arg(&words).arg(&file));
            ripgrep.push(time);
        }
        let (own, ripgrep) = (median(own), median(ripgrep));
        let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{name:<18}{records:>16}{:>10.0}{:>10.0}{:>10.2}{peak:>10}",
            rate(own),
            rate(ripgrep),
            own.as_secs_f64() / ripgrep.as_secs_f64()
        );
    }
}

/// Writes the words without which no signature matches.
fn write_words(path: &Path) {
    let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows are valid");
    let literals = catalog.signatures.hints().filter_map(|(_, literals)| literals);
    let words: Vec<&str> = literals.flatten().map(String::as_str).collect();
    fs::write(path, words.join("\n")).expect("a file");
}

/// Writes a log, and returns the number of its records and bytes.
fn write_log(path: &Path, one_in: usize) -> (usize, u64) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let (mut number, mut bytes) = (0, 0);
    while bytes < MEGABYTES * 1_000_000 {
        number += 1;
        let record = record(number, number % one_in == 0);
        bytes += record.len();
        file.write_all(record.as_bytes()).expect("room on the disk");
    }
    (number, bytes as u64)
}

fn record(number: usize, is_trouble: bool) -> String {
    let (level, message) = match is_trouble {
        true => ("error", format!("store failed: connect ECONNREFUSED 172.18.0.{}:5432", number % 250)),
        false => ("info", format!("processed order {number} in {} ms", number % 97)),
    };
    format!(
        "{{\"level\":\"{level}\",\"time\":\"2026-01-07T{:02}:{:02}:{:02}.{:03}Z\",\"logger\":\"com.shop.orders.Worker\",\
         \"msg\":\"{message}\",\"correlationId\":\"ord-{number:08}\",\"offset\":{number}}}\n",
        number / 3_600_000 % 24,
        number / 60_000 % 60,
        number / 1000 % 60,
        number % 1000,
    )
}

/// Runs a program, and returns its time and its peak memory in megabytes.
fn run(command: &mut Command) -> (Duration, u64) {
    let start = Instant::now();
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if child.try_wait().expect("a child").is_some() {
            return (start.elapsed(), peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let highest = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = highest.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() / 1000);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
