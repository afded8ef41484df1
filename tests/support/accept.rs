//! Compares committed files with the program's output. `INSTA_UPDATE=always` accepts new
//! content, as it does for snapshots.

use super::root;

/// Fails unless a committed file has this content.
#[track_caller]
pub fn assert_file(file: &str, expected: &str) {
    let path = root().join(file);
    let actual = std::fs::read_to_string(&path).unwrap_or_default();
    let accept =
        std::env::var("INSTA_UPDATE").is_ok_and(|update| ["always", "force"].contains(&update.as_str()));
    if accept && actual != expected {
        return std::fs::write(&path, expected).unwrap();
    }
    let differing = actual.lines().zip(expected.lines()).find(|(actual, expected)| actual != expected);
    let help = "run `INSTA_UPDATE=always cargo test` to accept the new content";
    assert!(actual == expected, "{file} differs at {differing:#?}\n{help}");
}
