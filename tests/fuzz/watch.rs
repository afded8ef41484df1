//! Runs the cases of a target, and ends the tests if one of them hangs.

use crate::cases;
use pipeline_doctor::base::visible_text::is_hidden;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How much processor time one input may take. Unoptimised code is slower.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });
/// The most memory that the tests may ever have used.
const MEMORY_MB: u64 = 1_024;

/// Runs all cases of a target with fixed seeds. Fails with the smallest input that it finds.
pub fn run<S: Strategy>(target: &str, all: u32, strategy: &S, check: impl Fn(S::Value))
where
    S::Value: Clone + Debug,
{
    let config = Config { cases: cases(all), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let watch = Watch::start(target);
    let start = Instant::now();
    let slowest = Mutex::new(Duration::ZERO);
    let result = runner.run(strategy, |input| {
        watch.begin(&input);
        let begun = processor_time();
        check(input);
        let took = processor_time().saturating_sub(begun);
        watch.end();
        let mut slowest = slowest.lock().unwrap();
        *slowest = took.max(*slowest);
        match took > PATIENCE {
            true => Err(TestCaseError::fail(format!("took {took:?}"))),
            false => Ok(()),
        }
    });
    println!(
        "{target}: {} cases in {:.1} s, the slowest took {:.1} ms; peak memory of the process {} MB",
        cases(all),
        start.elapsed().as_secs_f64(),
        slowest.into_inner().unwrap().as_secs_f64() * 1e3,
        peak_memory_mb()
    );
    if let Err(failure) = result {
        panic!("{target}: {failure}");
    }
    assert!(peak_memory_mb() < MEMORY_MB, "{target}: {} MB", peak_memory_mb());
}

/// Returns how long this thread has run, so that other programs on the machine do not count.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    let nanoseconds = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number of nanoseconds"))
}

/// Returns the most memory that this process has ever used.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1_024
}

/// Observes from another thread how long a case takes.
struct Watch {
    /// When the case began, in milliseconds since the start; 0 between cases.
    begun: Arc<AtomicU64>,
    input: Arc<Mutex<String>>,
    ended: Arc<AtomicBool>,
    start: Instant,
}

impl Watch {
    fn start(target: &str) -> Watch {
        let watch = Watch {
            begun: Arc::default(),
            input: Arc::default(),
            ended: Arc::default(),
            start: Instant::now(),
        };
        let (begun, input, ended, start) =
            (watch.begun.clone(), watch.input.clone(), watch.ended.clone(), watch.start);
        let target = target.to_string();
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                let begun = begun.load(Ordering::Relaxed);
                let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                // Longer by the clock, so that a case that ends is reported with its smallest input.
                if begun > 0 && Duration::from_millis(now - begun) > 5 * PATIENCE {
                    eprintln!("{target}: hangs on {}", input.lock().unwrap());
                    std::process::abort();
                }
            }
        });
        watch
    }

    fn begin(&self, input: &impl Debug) {
        *self.input.lock().unwrap() = format!("{input:?}");
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.begun.store(now.max(1), Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Fails if a text contains characters that control a terminal or cannot be seen.
#[track_caller]
pub fn assert_visible(text: &str) {
    // A variation selector says how the emoji before it looks.
    let is_wrong = |letter: &char| is_hidden(*letter) && !['\n', '\u{fe0e}', '\u{fe0f}'].contains(letter);
    assert_eq!(text.chars().find(is_wrong), None, "{text:?}");
}
