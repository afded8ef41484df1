//! What stages say must agree with what their workers say.

use crate::error::Mistake;
use crate::toml_input::document::Document;

/// A stage's worker must consume its topic.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let topics: Vec<String> = document.texts("topic[].name").into_iter().map(|entry| entry.text).collect();
    let workers = document.rows("worker[]");
    for stage in document.rows("stage[]") {
        let (Some(topic), Some(name)) = (stage.text("topic"), stage.text("worker")) else { continue };
        let named = |row: &&crate::toml_input::document::Row| {
            row.text("name").is_some_and(|own| own.text == name.text)
        };
        let Some(worker) = workers.iter().find(named) else { continue };
        let consumed = worker.list("topics");
        // Of a name that is wrong by itself nothing more is said.
        let known = consumed.iter().all(|own| topics.contains(&own.text)) && topics.contains(&topic.text);
        if known && !consumed.is_empty() && !consumed.iter().any(|own| own.text == topic.text) {
            let what = format!("worker `{}` does not consume `{}`", name.text, topic.text);
            let list: Vec<&str> = consumed.iter().map(|own| own.text.as_str()).collect();
            let help = format!("it consumes {}: name one of these, or add the topic there", list.join(", "));
            mistakes.push(document.source().mistake_in(topic.at, what).help(help));
        }
    }
}
