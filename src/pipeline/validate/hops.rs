//! The hops of a stage must be there, once each and in an order that can be.

use crate::base::error::Mistake;
use crate::input::document::{Document, Entry, Row};
use crate::input::names::twice;
use crate::pipeline::model::HopKind;
use crate::pipeline::validate::absent::{has_no, is_without};

/// What a hop is wrong with, and the way out.
type Wrong = (String, String);

/// Checks the hops of a pipeline's stages; `unread` is what could not be read of it.
pub fn check(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for stage in document.rows("stage[]") {
        let hops = stage.list("hops");
        for hop in &hops {
            if let Some((what, help)) = impossible(document, &stage, hop, unread) {
                mistakes.push(stage.mistake_in(hop.at.clone(), what).help(help));
            }
        }
        for hop in twice(&hops) {
            let mistake = stage.mistake_in(hop.at.clone(), format!("the hop `{}` stands twice", hop.text));
            mistakes.push(mistake.help(match lines(document, &stage, &hop.text) {
                0 | 1 => "take one of them out",
                _ => "give each of the lines a name of its own",
            }));
        }
        let place = |name: &str| hops.iter().position(|hop| hop.text == name);
        if let (Some(taken), Some(record)) = (place("taken"), place("record"))
            && taken < record
        {
            let mistake = stage.mistake_in(hops[taken].at.clone(), "`taken` stands before `record`");
            mistakes.push(mistake.help("put it behind: nobody takes a record that is not on the topic yet"));
        }
    }
}

/// How many lines of a stage have the name; the words for hops are no lines.
fn lines(document: &Document, stage: &Row, name: &str) -> usize {
    if HopKind::NAMED.iter().any(|(word, _)| *word == name) {
        return 0;
    }
    let is = |line: &Row, key: &str, text: Option<&str>| {
        line.text(key).as_ref().map(|entry| entry.text.as_str()) == text
    };
    let own = stage.text("name").map(|entry| entry.text);
    let lines = document.rows("line[]");
    lines.iter().filter(|line| is(line, "stage", own.as_deref()) && is(line, "name", Some(name))).count()
}

/// A hop that the stage cannot have.
fn impossible(document: &Document, stage: &Row, hop: &Entry, unread: &[Mistake]) -> Option<Wrong> {
    let name = hop.text.as_str();
    match name {
        "record" | "taken" if is_without(stage, "topic", unread) => {
            let help = "add `topic = \"...\"` to the stage, or take the hop out";
            Some((format!("the hop `{name}` at a stage without topic"), help.into()))
        }
        "mark" if has_no(document, "marks", unread) => {
            let help = "add [marks], the table that says who has processed what, or take the hop out";
            Some(("the hop `mark`, and no [marks]".into(), help.into()))
        }
        "call" if has_no(document, "call", unread) => {
            let help = "add [call], the documented call of a stage, or take the hop out";
            Some(("the hop `call`, and no [call]".into(), help.into()))
        }
        "call" => {
            let (of, own) = (document.texts("call.stage").pop()?, stage.text("name")?);
            // A stage that is unknown may be this one.
            let known = document.texts("stage[].name").iter().any(|entry| entry.text == of.text);
            (known && of.text != own.text).then(|| {
                let help = "take the hop out, or name this stage in [call]";
                (format!("the call is made at stage `{}`", of.text), help.into())
            })
        }
        _ => None,
    }
}
