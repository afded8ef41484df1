//! Requests by hand.

use crate::command::model::Process;
use crate::pipeline::Harmless;

/// Shows an answer with its status and headers.
pub fn get(url: &str) -> Process {
    Process::new("curl").arg("-i").arg(url)
}

/// The path of the harmless request where there is no event to take keys from.
pub fn path_without_event(harmless: &Harmless) -> String {
    let keys = harmless.without_event.iter();
    keys.fold(harmless.path.clone(), |path, (key, value)| path.replace(&format!("{{{key}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::shell;

    #[test]
    fn an_address_is_one_word() {
        assert_eq!(
            shell::process(&get("http://localhost:1/a?b=c&d")),
            "curl -i 'http://localhost:1/a?b=c&d'"
        );
    }
}
