//! Ends a run early when a signal asks for it, so that what was seen until then is reported.
//!
//! While systems are asked, the first signal ends all waits, as the deadline does, and the second
//! one ends the program at once. Before that, a signal has its usual effect.

use crate::base::interruption::{Interruption, Signal};
use crate::evidence::{Reason, ReasonKind};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Once, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often a thread that waits looks whether a signal has arrived.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long drivers may take to hand over what they have seen when a signal ends the run.
pub const HANDOVER: Duration = Duration::from_millis(200);

/// What is known about signals in this process.
struct Signals {
    /// The number of the signal that has arrived; zero before.
    arrived: Arc<AtomicUsize>,
    /// Whether the next signal ends the program at once.
    end_at_once: Arc<AtomicBool>,
    /// When the run began.
    start: Instant,
    /// The first signal, once it was noticed.
    noticed: OnceLock<Interruption>,
    /// Whether waits must end.
    stop: watch::Sender<bool>,
}

static SIGNALS: LazyLock<Signals> = LazyLock::new(|| Signals {
    arrived: Arc::default(),
    end_at_once: Arc::default(),
    start: Instant::now(),
    noticed: OnceLock::new(),
    stop: watch::channel(false).0,
});

/// Handles signals from now on. A signal that cannot be handled keeps its usual effect.
pub fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        // `nohup` lets a program outlive its terminal by ignoring this signal.
        let handled = Signal::ALL.into_iter().filter(|s| *s != Signal::Hangup || !is_ignored(*s));
        for signal in handled {
            let (number, status) = (i32::from(signal.number()), i32::from(signal.exit_code()));
            // The order counts: the first signal must not find the flag that it sets itself.
            let _ = flag::register_conditional_shutdown(number, status, SIGNALS.end_at_once.clone());
            let _ = flag::register_usize(number, SIGNALS.arrived.clone(), usize::from(signal.number()));
            let _ = flag::register(number, SIGNALS.end_at_once.clone());
        }
    });
}

/// Reports whether this process was started with the signal ignored, as far as the system tells.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal.number() - 1)) != 0
}

/// Returns the signal that has ended the run, if one has, and ends all waits then.
pub fn interruption() -> Option<Interruption> {
    let number = SIGNALS.arrived.load(Ordering::Relaxed);
    let signal = Signal::ALL.into_iter().find(|signal| usize::from(signal.number()) == number)?;
    let interruption = *SIGNALS.noticed.get_or_init(|| {
        let after_ms = u64::try_from(SIGNALS.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Interruption { signal, after_ms }
    });
    SIGNALS.stop.send_if_modified(|stop| !std::mem::replace(stop, true));
    Some(interruption)
}

/// Waits until a signal ends the run.
pub async fn interrupted() {
    // The sender is never dropped.
    let _ = SIGNALS.stop.subscribe().wait_for(|stop| *stop).await;
}

/// Sleeps on this thread, at most until a signal ends the run. Returns the signal.
pub fn sleep(duration: Duration) -> Option<Interruption> {
    let start = Instant::now();
    loop {
        let left = duration.saturating_sub(start.elapsed());
        let interruption = interruption();
        if interruption.is_some() || left.is_zero() {
            return interruption;
        }
        std::thread::sleep(left.min(POLL_INTERVAL));
    }
}

/// Returns the reason for what was still being asked. Says nothing about the system.
pub fn reason() -> Reason {
    Reason::new(ReasonKind::TooLittleTime, "the run was interrupted")
}
