//! Checks that the listed hops of each stage exist, are unique and are in a valid order.

use crate::base::error::Mistake;
use crate::input::row_references::duplicates;
use crate::input::toml_document::{Document, Entry, Row};
use crate::pipeline::model::HopKind;
use crate::pipeline::validate::missing_keys::{lacks_key, lacks_section};

/// The problem with a hop, and its help text.
type HopMistake = (String, String);

/// Checks the hops of all stages. `type_mistakes` are the mistakes found during deserialization.
pub fn check(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for stage in document.rows("stage[]") {
        let hops = stage.list("hops");
        for hop in &hops {
            if let Some((what, help)) = check_hop(document, &stage, hop, type_mistakes) {
                mistakes.push(stage.mistake_in(hop.at.clone(), what).help(help));
            }
        }
        for hop in duplicates(&hops) {
            let mistake = stage.mistake_in(hop.at.clone(), format!("duplicate hop `{}`", hop.text));
            mistakes.push(mistake.help(match count_lines(document, &stage, &hop.text) {
                0 | 1 => "remove one of them",
                _ => "give each line a unique name",
            }));
        }
        let position = |name: &str| hops.iter().position(|hop| hop.text == name);
        if let (Some(consumed), Some(record)) = (position("taken"), position("record"))
            && consumed < record
        {
            let mistake = stage.mistake_in(hops[consumed].at.clone(), "`taken` is listed before `record`");
            mistakes.push(mistake.help(
                "move it after `record`, because a record must be on the topic before it can be consumed",
            ));
        }
    }
}

/// Returns how many lines of a stage have the given name; 0 if it is the name of a built-in hop.
fn count_lines(document: &Document, stage: &Row, name: &str) -> usize {
    if HopKind::NAMED.iter().any(|(word, _)| *word == name) {
        return 0;
    }
    let has = |line: &Row, key: &str, text: Option<&str>| {
        line.text(key).as_ref().map(|entry| entry.text.as_str()) == text
    };
    let stage = stage.text("name").map(|entry| entry.text);
    let lines = document.rows("line[]");
    lines.iter().filter(|line| has(line, "stage", stage.as_deref()) && has(line, "name", Some(name))).count()
}

/// Returns a mistake if the stage cannot have the hop.
fn check_hop(document: &Document, stage: &Row, hop: &Entry, type_mistakes: &[Mistake]) -> Option<HopMistake> {
    let name = hop.text.as_str();
    match name {
        "record" | "taken" if lacks_key(stage, "topic", type_mistakes) => {
            let help = "add `topic = \"...\"` to the stage, or remove the hop";
            Some((format!("hop `{name}` in a stage without a topic"), help.into()))
        }
        "mark" if lacks_section(document, "marks", type_mistakes) => {
            let help = "add [marks], the table of processed markers, or remove the hop";
            Some(("hop `mark` without [marks]".into(), help.into()))
        }
        "call" if lacks_section(document, "call", type_mistakes) => {
            let help = "add [call], the documented call of a stage, or remove the hop";
            Some(("hop `call` without [call]".into(), help.into()))
        }
        "call" => {
            let (calling, this) = (document.texts("call.stage").pop()?, stage.text("name")?);
            // An unknown name may refer to this stage.
            let known = document.texts("stage[].name").iter().any(|entry| entry.text == calling.text);
            (known && calling.text != this.text).then(|| {
                let help = "remove the hop, or name this stage in [call]";
                (format!("[call] belongs to stage `{}`", calling.text), help.into())
            })
        }
        _ => None,
    }
}
