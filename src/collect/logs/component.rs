//! The components whose logs are read.

use regex::Regex;

/// A component whose log is read.
pub(super) struct Component<'a> {
    pub(super) name: &'a str,
    pub(super) container: Option<&'a str>,
    pub(super) started: Option<&'a Regex>,
}
