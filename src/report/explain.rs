//! `explain`: what a check or a cause means, how to see it by hand, what mends it.

use crate::check::catalog::{ActionKind, Catalog, Cause, Check, Generator, Severity};
use crate::fact;
use colored::Colorize;
use std::io::{self, Write};

/// Writes what a check means.
pub fn check(check: &Check, catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    let id = check.id.get_ref();
    writeln!(out, "{}\n", format!("check {id}").bold())?;
    writeln!(out, "  true when healthy   {}", check.title)?;
    writeln!(out, "  step                {} of the runbook", check.step.get_ref())?;
    writeln!(out, "  asked of each       {}", format!("{:?}", check.for_each.get_ref()).to_lowercase())?;
    if let Some(spec) = fact::spec(check.fact.get_ref()) {
        writeln!(out, "  looks at            {}: {}", spec.name, spec.doc)?;
    }
    writeln!(out, "  expects             {}", check.expect.get_ref())?;
    let severity = match check.severity {
        Severity::Error => "a problem (exit code 3)",
        Severity::Warn => "a warning",
    };
    let noisy = if check.noisy { "; it can fail on a healthy pipeline" } else { "" };
    writeln!(out, "  a failure is        {severity}{noisy}")?;
    let needs: Vec<&str> = check.pass_needs.iter().map(|need| need.get_ref().as_str()).collect();
    if !needs.is_empty() {
        writeln!(out, "  a pass needs        {}", needs.join(", "))?;
    }
    writeln!(out, "\n  by hand\n    {}", check.by_hand)?;
    let breaking: Vec<&Cause> =
        catalog.causes.iter().filter(|cause| links(cause).any(|link| link == id)).collect();
    if !breaking.is_empty() {
        writeln!(out, "\n  broken by")?;
        for cause in breaking {
            writeln!(out, "    {:<24} {}", cause.id.get_ref(), cause.title)?;
        }
    }
    Ok(())
}

fn links(cause: &Cause) -> impl Iterator<Item = &String> {
    let links = cause.always.iter().chain(&cause.usually).chain(&cause.sometimes);
    links.map(|link| link.get_ref())
}

/// Writes what a cause means.
pub fn cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("cause {}", cause.id.get_ref()).bold())?;
    let source = cause.documented.clone().unwrap_or_else(|| "the tool's own number".to_string());
    writeln!(out, "  {}: at most {} % ({source})\n", cause.title, cause.confidence.get_ref())?;
    writeln!(out, "  {}\n", cause.means)?;
    writeln!(out, "  breaks")?;
    for (word, links) in
        [("always", &cause.always), ("usually", &cause.usually), ("sometimes", &cause.sometimes)]
    {
        for link in links {
            writeln!(out, "    {word:<10} {}", link.get_ref())?;
        }
    }
    writeln!(out, "\n  what to do, in order")?;
    for action in &cause.actions {
        let kind = match action.kind {
            ActionKind::Mend => "mend",
            ActionKind::ReDrive => "re-drive",
            ActionKind::Prove => "prove",
        };
        let generated = action.generate.map(|generator| in_words(generator, cause.id.get_ref()));
        for text in [action.say.clone(), action.run.clone(), generated].into_iter().flatten() {
            writeln!(out, "    {kind:<10} {text}")?;
        }
    }
    Ok(())
}

fn in_words(generator: Generator, cause: &str) -> String {
    match generator {
        Generator::ComposeFragment => format!("pipeline-doctor explain {cause} --yaml"),
        Generator::GroupOffsets => format!("pipeline-doctor explain {cause} --offsets"),
        Generator::CreateTopics => "the commands that create the missing topics".to_string(),
        Generator::RemoveMarks => format!("pipeline-doctor explain {cause} --sql"),
        Generator::SendRecords => format!("pipeline-doctor explain {cause} --records"),
    }
}
