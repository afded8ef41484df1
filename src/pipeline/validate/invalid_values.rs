//! Rejects invalid numbers, paths and environment variable names.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::toml_document::{Document, Entry};
use crate::pipeline::model::YEAR_S;

/// Integer ranges: section, key, minimum, maximum, problem and help text.
const NUMBERS: &[(&str, &str, i64, i64, &str, &str)] = &[
    (
        "service[]",
        "port",
        1,
        i64::MAX,
        "0 is not a valid port",
        "expected the port inside the container, from 1 to 65535",
    ),
    (
        "topic[]",
        "partitions",
        1,
        i64::MAX,
        "a topic needs at least one partition",
        "expected 1 or more; omit it to use as many partitions as existing topics have",
    ),
    ("stage[]", "grace_s", 0, YEAR_S, "longer than a year", "expected at most 31622400 seconds (one year)"),
];

/// Checks the values of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    for (section, key, min, max, what, help) in NUMBERS {
        for (number, at) in document.rows(section).iter().filter_map(|row| row.number(key)) {
            // Negative numbers have already been reported as type errors.
            if (0..*min).contains(&number) || number > *max {
                mistakes.push(source.mistake_in(at, *what).help(*help));
            }
        }
    }
    for entry in document.texts("service[].address_variable").iter().filter(|entry| !is_variable(&entry.text))
    {
        let what = format!("`{}` is not a valid variable name", entry.text);
        let bare = entry.text.trim_matches(|c| "${} ".contains(c));
        let help = match is_variable(bare) {
            true => format!("did you mean `{bare}`?"),
            false => "expected letters, digits and underscores".to_string(),
        };
        mistakes.push(source.mistake_in(entry.at.clone(), what).help(help));
    }
    for path in document.texts("service[].health") {
        mistakes.extend(check_path(&path, source));
    }
}

/// Reports whether a variable name is valid. Dots and dashes are unusual, but containers allow them.
fn is_variable(name: &str) -> bool {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !name.is_empty() && name.chars().all(is_valid)
}

/// Returns a mistake if a path does not start with `/`.
pub fn check_path(path: &Entry, source: &Source) -> Option<Mistake> {
    let text = path.text.trim();
    let help = if path.text.starts_with('/') {
        return None;
    } else if text.is_empty() || text.contains("//") || text.starts_with('{') {
        "expected a path such as /health, without the service's address".to_string()
    } else {
        format!("did you mean `/{}`?", text.trim_start_matches('/'))
    };
    let mistake = source.mistake_in(path.at.clone(), "a path must start with /");
    Some(mistake.help(help))
}
