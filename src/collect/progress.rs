//! A progress line on stderr that lists the systems that have not answered yet. Shown only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::future::Future;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

/// A line that names the systems that have not answered yet.
pub struct Progress {
    bar: ProgressBar,
    waiting: Mutex<Vec<&'static str>>,
}

impl Progress {
    /// Starts the progress line; shows nothing unless stderr is a terminal.
    pub fn start() -> Self {
        if !std::io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden(), waiting: Mutex::default() };
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} waiting for {msg}").expect("the template is valid"),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, waiting: Mutex::default() }
    }

    /// Shows `system` in the line while `work` runs.
    pub async fn watch<T>(&self, system: &'static str, work: impl Future<Output = T>) -> T {
        self.update(|waiting| waiting.push(system));
        let result = work.await;
        self.update(|waiting| waiting.retain(|name| *name != system));
        result
    }

    fn update(&self, change: impl FnOnce(&mut Vec<&'static str>)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut waiting);
        self.bar.set_message(waiting.join(", "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
