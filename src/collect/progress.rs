//! Progress on stderr: what is being waited for. Only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::future::Future;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

/// The line that names the systems that have not answered yet.
pub struct Progress {
    bar: ProgressBar,
    waiting: Mutex<Vec<&'static str>>,
}

impl Progress {
    /// Shows nothing unless stderr is a terminal.
    pub fn start() -> Self {
        let bar =
            if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(
            ProgressStyle::with_template("{spinner} waiting for {msg}").expect("a constant template"),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, waiting: Mutex::new(Vec::new()) }
    }

    /// Names `who` while `work` goes on.
    pub async fn watch<T>(&self, who: &'static str, work: impl Future<Output = T>) -> T {
        self.change(|waiting| waiting.push(who));
        let result = work.await;
        self.change(|waiting| waiting.retain(|name| *name != who));
        result
    }

    fn change(&self, change: impl FnOnce(&mut Vec<&'static str>)) {
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
