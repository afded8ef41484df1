//! What happens after a panic, which is always a bug: one plain sentence, without any value that the
//! program was working on.

use crate::base::error::exit;
use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

/// How the standard library and tokio say that a thread could not be started. Some of their
/// functions cannot return it as an error.
const THREAD_LIMIT: [&str; 2] = ["failed to spawn thread", "OS can't spawn worker thread"];

/// Whether a panic came from a limit on threads, which is no bug.
static THREAD_LIMIT_REACHED: AtomicBool = AtomicBool::new(false);

/// The threads that have panicked.
static PANICKED: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

/// Prints a sentence instead of the message of a panic, which may hold a secret or control the
/// terminal. `RUST_BACKTRACE` adds the functions that were running.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        PANICKED.lock().unwrap_or_else(PoisonError::into_inner).push(std::thread::current().id());
        let mut stderr = std::io::stderr().lock();
        let message = panic.payload_as_str().unwrap_or_default();
        if THREAD_LIMIT.iter().any(|text| message.starts_with(text)) {
            if !THREAD_LIMIT_REACHED.swap(true, Ordering::Relaxed) {
                let _ = writeln!(stderr, "{THREAD_LIMIT_SENTENCE}");
            }
            // A runtime that is started only in part waits forever when it is dropped.
            if std::thread::current().name() == Some("main") {
                std::process::exit(i32::from(exit::USAGE));
            }
            return;
        }
        let _ = writeln!(stderr, "{}", sentence(panic.location()));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| !value.is_empty() && value != "0") {
            let _ = writeln!(stderr, "{}", std::backtrace::Backtrace::force_capture());
        }
    }));
}

const THREAD_LIMIT_SENTENCE: &str = "error: this machine's limit on threads is reached: stop other \
     programs of this user, or raise the limit (ulimit -u)";

/// Reports whether a thread could not be started, and a panic was the only way to say so.
pub fn thread_limit_reached() -> bool {
    THREAD_LIMIT_REACHED.load(Ordering::Relaxed)
}

/// Returns the sentence about a panic: the version, the place in the source, and what to do.
fn sentence(location: Option<&Location>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let place = location.map(|location| {
        // A path outside this repository names a directory of the machine that built the program.
        let mut file: Vec<&str> = location.file().rsplit(['/', '\\']).take(3).collect();
        file.reverse();
        format!(" at {}:{}", file.join("/"), location.line())
    });
    format!(
        "error: internal error in pipeline-doctor {version}{}; this is a bug: please report this line to \
         the maintainers of pipeline-doctor (see CONTRIBUTING.md)",
        place.unwrap_or_default()
    )
}

/// Reports whether a thread has panicked.
pub fn has_panicked(thread: ThreadId) -> bool {
    PANICKED.lock().unwrap_or_else(PoisonError::into_inner).contains(&thread)
}

/// Runs `work`. Returns `None` if it panics.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let caught = catch_unwind(AssertUnwindSafe(work));
    caught.map_err(forget).ok()
}

/// Drops the value of a panic, whose destructor could panic again.
fn forget(value: Box<dyn Any + Send>) {
    std::mem::forget(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_version_and_the_place() {
        let here = Location::caller();
        let sentence = sentence(Some(here));
        let place = format!("internal error in pipeline-doctor {} at ", env!("CARGO_PKG_VERSION"));
        assert!(sentence.contains(&place), "{sentence}");
        assert!(sentence.contains(&format!("src/base/panics.rs:{}", here.line())), "{sentence}");
        assert_eq!(sentence.lines().count(), 1);
    }

    #[test]
    fn a_panic_returns_nothing() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| panic!("expected in this test")), None::<()>);
    }
}
