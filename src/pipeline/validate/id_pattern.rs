//! Checks that the pattern of the correlation id fits its format.

use crate::base::error::Mistake;
use crate::input::toml_document::Document;

/// Rejects an id pattern unless the format is `text`.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for id in document.rows("id") {
        let (Some(pattern), Some(format)) = (id.text("pattern"), id.text("format")) else { continue };
        if format.text != "text" {
            let mistake =
                document.source().mistake_in(pattern.at, "`pattern` is only allowed with format = \"text\"");
            let help = format!(
                "remove the pattern (a {} has a fixed format), or set format = \"text\"",
                format.text
            );
            mistakes.push(mistake.help(help));
        }
    }
}
