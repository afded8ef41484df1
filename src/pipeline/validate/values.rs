//! Numbers, paths and variables that cannot be.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::pipeline::model::YEAR_S;

/// Whole numbers: where, from and to what, what is wrong with another, and the way out.
const NUMBERS: &[(&str, &str, i64, i64, &str, &str)] = &[
    (
        "service[]",
        "port",
        1,
        i64::MAX,
        "0 is no port",
        "expected the port inside of the container, from 1 to 65535",
    ),
    (
        "topic[]",
        "partitions",
        1,
        i64::MAX,
        "a topic without partitions",
        "expected 1 or more; left out, it gets as many as its siblings have",
    ),
    ("stage[]", "grace_s", 0, YEAR_S, "more than a year", "expected seconds, at most a year: 31622400"),
];

/// Checks the values of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    for (section, key, least, most, what, help) in NUMBERS {
        for (number, at) in document.rows(section).iter().filter_map(|row| row.number(key)) {
            // One that is negative has been told with its type.
            if (0..*least).contains(&number) || number > *most {
                mistakes.push(source.mistake_in(at, *what).help(*help));
            }
        }
    }
    for entry in document.texts("service[].address_variable").iter().filter(|entry| !is_variable(&entry.text))
    {
        let what = format!("`{}` is no variable's name", entry.text);
        let bare = entry.text.trim_matches(|letter| "${} ".contains(letter));
        let help = match is_variable(bare) {
            true => format!("did you mean `{bare}`?"),
            false => "expected letters, digits and underscores".to_string(),
        };
        mistakes.push(source.mistake_in(entry.at.clone(), what).help(help));
    }
    for path in document.texts("service[].health") {
        mistakes.extend(wrong_path(&path, source));
    }
}

/// Dots and dashes are unusual, but containers can have them.
fn is_variable(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    !name.is_empty() && name.chars().all(fits)
}

/// A path begins with `/`.
pub fn wrong_path(path: &Entry, source: &Source) -> Option<Mistake> {
    let text = path.text.trim();
    let help = if path.text.starts_with('/') {
        return None;
    } else if text.is_empty() || text.contains("//") || text.starts_with('{') {
        "expected a path such as /health: the service's address comes before it".to_string()
    } else {
        format!("did you mean `/{}`?", text.trim_start_matches('/'))
    };
    let mistake = source.mistake_in(path.at.clone(), "a path that does not begin with /");
    Some(mistake.help(help))
}
