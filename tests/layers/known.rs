//! Lists of the violations that the program still has. They may only shrink,
//! and the aim is that they are empty.

use crate::graph::Found;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// One list: a file of `tests/layers/known/`, one entry a line.
pub struct Known {
    pub name: &'static str,
    /// What an entry is.
    pub what: &'static str,
    /// What to do about a new one.
    pub advice: &'static str,
}

impl Known {
    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/layers/known").join(self.name)
    }

    /// Fails if something is found that is not listed, or listed and not found.
    /// `LAYERS_SHRINK=1` first removes the lines that are no longer found.
    pub fn compare(&self, found: &Found) {
        let mut text = std::fs::read_to_string(self.path()).unwrap();
        if std::env::var_os("LAYERS_SHRINK").is_some() {
            let kept = text.lines().filter(|line| found.contains_key(*line));
            text = kept.map(|line| format!("{line}\n")).collect();
            std::fs::write(self.path(), &text).unwrap();
        }
        let complaint = self.judge(&text, found);
        assert!(complaint.is_empty(), "{complaint}");
    }

    /// What is wrong, or nothing.
    pub fn judge(&self, list: &str, found: &Found) -> String {
        let listed: BTreeSet<&str> = list.lines().filter(|line| !line.is_empty()).collect();
        let mut text = String::new();
        let new: Vec<_> = found.iter().filter(|(line, _)| !listed.contains(line.as_str())).collect();
        if !new.is_empty() {
            writeln!(text, "\n{} ({} new):", self.what, new.len()).unwrap();
            new.iter().for_each(|(line, why)| write!(text, "  {line}\n{why}").unwrap());
            writeln!(text, "{}\n", self.advice).unwrap();
        }
        let gone: Vec<_> = listed.iter().filter(|line| !found.contains_key(**line)).collect();
        if !gone.is_empty() {
            writeln!(
                text,
                "\nno longer found, good; remove these lines from tests/layers/known/{}",
                self.name
            )
            .unwrap();
            writeln!(text, "(LAYERS_SHRINK=1 cargo test --test layers removes them):").unwrap();
            gone.iter().for_each(|line| writeln!(text, "  {line}").unwrap());
        }
        text
    }
}
