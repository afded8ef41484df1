//! HTTP requests to run by hand.

use crate::pipeline::Harmless;
use crate::printed_command::process::Process;

/// Prints a response with its status and headers.
pub fn get(url: &str) -> Process {
    Process::new("curl").arg("-i").operands([url])
}

/// Returns the harmless request's path, filled in with the keys declared for use without an event.
pub fn path_without_event(harmless: &Harmless) -> String {
    let keys = harmless.without_event.iter();
    keys.fold(harmless.path.clone(), |path, (key, value)| path.replace(&format!("{{{key}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::shell;

    #[test]
    fn quotes_the_url_as_one_word() {
        assert_eq!(
            shell::process(&get("http://localhost:1/a?b=c&d")),
            "curl -i 'http://localhost:1/a?b=c&d'"
        );
    }
}
