//! What is said of the correlation id must agree.

use crate::base::error::Mistake;
use crate::input::document::Document;

/// Checks the id of a pipeline: only a text can have a pattern.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for id in document.rows("id") {
        let (Some(pattern), Some(format)) = (id.text("pattern"), id.text("format")) else { continue };
        if format.text != "text" {
            let mistake = document.source().mistake_in(pattern.at, "`pattern` is for texts alone");
            let help = format!(
                "a {} has its form already: leave the pattern out, or say format = \"text\"",
                format.text
            );
            mistakes.push(mistake.help(help));
        }
    }
}
