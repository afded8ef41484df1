//! Renders a report for a terminal, with the verdict on the last line.

use crate::base::interruption::Interruption;
use crate::remedy::PlannedAction;
use crate::report::lines::{Lines, shorten, width};
use crate::report::model::{Cause, Outcome, Report, ReportedFinding, ReportedVerdict, Statement, Step};
use crate::report::overrides_section;
use crate::report::terminal::{Screen, Sign, action_label, columns};
use crate::text::plural::count;
use colored::Colorize;
use std::io::{self, Write};

/// How many causes are shown without `-v`.
const MAX_CAUSES: usize = 3;
/// The maximum width, in columns, of the pipeline's name and of the id in the first line.
const MAX_NAME: usize = 60;
/// The left margin of a cause's lines.
const INDENT: u16 = 7;

/// Writes the report as text. The `colored` crate decides whether to use colours.
pub fn render(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Lines::new(out);
    let id = report.id.as_deref().unwrap_or("all events");
    let observed_at = report.observed_at.strftime("%d %b %H:%MZ");
    let [pipeline, id] = [&report.pipeline, id].map(|name| shorten(name, MAX_NAME).bold());
    let observed_at = format!("  {observed_at}").into();
    out.line(["pipeline-doctor  ".into(), pipeline, "  ".into(), id, observed_at])?;
    out.blank()?;
    for step in &report.steps {
        render_step(step, screen, out)?;
    }
    let causes: Vec<&Cause> =
        report.causes.iter().filter(|c| screen.verbose || is_worth_listing(c, report)).collect();
    let shown = if screen.verbose { causes.len() } else { MAX_CAUSES.min(causes.len()) };
    for (i, cause) in causes.into_iter().take(shown).enumerate() {
        // List the ruled-out causes once, under the first cause.
        let ruled_out = if i == 0 { report.ruled_out.as_slice() } else { &[] };
        out.blank()?;
        render_cause(cause, ruled_out, screen, out)?;
    }
    if report.causes.len() > shown {
        let more = count((report.causes.len() - shown) as u64, "more cause");
        out.blank()?;
        out.plain(&format!(" {more}, less likely (shown with -v)"))?;
    }
    render_statements("UNEXPLAINED", &report.unexplained, screen, out)?;
    render_statements("RISKS", &report.risks, screen, out)?;
    render_actions(&report.actions, screen, out)?;
    render_unavailable(report, screen, out)?;
    overrides_section::render(report, screen, out)?;
    if screen.verbose && report.masked_values > 0 {
        out.blank()?;
        out.plain(&format!(
            " {} masked: equal ones have equal numbers",
            count(report.masked_values, "secret")
        ))?;
    }
    out.blank()?;
    render_interruption(report.interrupted, screen, out)?;
    let headline = |line: String| match report.outcome {
        Outcome::Healthy => line.green().bold(),
        Outcome::Problem => line.red().bold(),
        _ => line.yellow().bold(),
    };
    verdict(&report.headline, screen).into_iter().try_for_each(|line| out.line([headline(line)]))
}

/// Writes that the run was interrupted, if it was.
pub(crate) fn render_interruption(
    interrupted: Option<Interruption>,
    screen: Screen,
    out: &mut Lines,
) -> io::Result<()> {
    let sentence = interrupted.map(|interruption| interruption.describe());
    let lines = sentence.into_iter().flat_map(|sentence| verdict(&sentence, screen));
    lines.into_iter().try_for_each(|line| out.line([line.yellow().bold()]))
}

/// Wraps the verdict. Only its first line begins at the margin, so that a name on a later line
/// cannot look like another verdict.
pub(crate) fn verdict(headline: &str, screen: Screen) -> Vec<String> {
    let mut lines = columns(screen.width, &[], [vec![headline.to_string()]].into_iter());
    if lines.len() > 1 {
        lines = columns(screen.width - 2, &[], [vec![headline.to_string()]].into_iter());
        lines.iter_mut().skip(1).for_each(|line| line.insert_str(0, "  "));
    }
    lines
}

/// Reports whether a cause is at least half as likely as the best causes, or is supported by a
/// check that they do not explain. Other causes are not worth listing.
fn is_worth_listing(cause: &Cause, report: &Report) -> bool {
    let best = || report.causes.iter().filter(|cause| cause.best);
    let likely = best().all(|best| cause.confidence * 2 >= best.confidence);
    let explained = |statement: &Statement| {
        let by = |best: &Cause| {
            best.because.iter().chain(&best.also_explains).any(|other| other.id == statement.id)
        };
        best().any(by)
    };
    likely || cause.best || !cause.because.iter().all(explained)
}

fn render_step(step: &Step, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let lines = columns(
        screen.width - 3,
        &[2, 19],
        step.summary.lines().enumerate().map(|(i, line)| match i {
            0 => vec![step.step.to_string(), step.title.clone(), line.to_string()],
            _ => vec![String::new(), String::new(), line.to_string()],
        }),
    );
    render_signed(step.verdict.into(), &lines, 1, screen, out)?;
    if screen.verbose {
        render_findings(step, screen, out)?;
    }
    Ok(())
}

/// Writes one line per check. Consecutive passed checks with the same message share a line.
fn render_findings(step: &Step, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let same = |a: &ReportedFinding, b: &ReportedFinding| {
        a.verdict == ReportedVerdict::Pass && b.verdict == a.verdict && a.message == b.message
    };
    for group in step.findings.chunk_by(same) {
        let finding = &group[0];
        let name = match group.len() {
            1 => finding.check.clone(),
            all => format!("{} +{}", finding.check, all - 1),
        };
        // The line begins with the check, so the sentence need not name it again.
        let message =
            finding.message.replacen(&format!("not checked: {} of ", finding.check), "not checked: ", 1);
        let rows = [vec![name, message]];
        let lines = columns(screen.width - 7, &[27], rows.into_iter());
        render_signed(finding.verdict.into(), &lines, 5, screen, out)?;
    }
    Ok(())
}

/// Writes indented lines, with a verdict symbol at the start of the first line.
pub(crate) fn render_signed(
    sign: Sign,
    lines: &[String],
    indent: usize,
    screen: Screen,
    out: &mut Lines,
) -> io::Result<()> {
    for (i, line) in lines.iter().enumerate() {
        let sign = if i == 0 { sign.coloured(screen) } else { " ".into() };
        out.line([" ".repeat(indent).into(), sign, format!(" {line}").into()])?;
    }
    Ok(())
}

fn render_cause(cause: &Cause, ruled_out: &[Statement], screen: Screen, out: &mut Lines) -> io::Result<()> {
    render_title(cause, screen, out)?;
    let distinct_messages = |statements: &[Statement]| {
        let mut messages: Vec<String> = Vec::new();
        for statement in statements {
            // Checks on the same fact have the same message.
            if !messages.contains(&statement.message) {
                messages.push(statement.message.clone());
            }
        }
        messages
    };
    let joined = |statements: &[Statement]| {
        vec![statements.iter().map(|statement| statement.message.as_str()).collect::<Vec<_>>().join("; ")]
    };
    let ids = |statements: &[Statement]| {
        vec![statements.iter().map(|statement| statement.id.as_str()).collect::<Vec<_>>().join(", ")]
    };
    // The best causes already list what a less likely cause would also explain.
    let in_full = cause.best || screen.verbose;
    let shown = if screen.verbose { ruled_out } else { &ruled_out[..ruled_out.len().min(2)] };
    let rows = [
        (!cause.one_of.is_empty(), "one of", vec![one_of(&cause.one_of, screen.verbose)]),
        (!cause.because.is_empty(), "because", distinct_messages(&cause.because)),
        (in_full && !cause.context.is_empty(), "context", distinct_messages(&cause.context)),
        (
            in_full && !cause.also_explains.is_empty(),
            "also explains",
            vec![cause.also_explains_by_step.clone()],
        ),
        (!cause.weakened_by.is_empty(), "weakened by", ids(&cause.weakened_by)),
        (!shown.is_empty(), "ruled out", joined(shown)),
        (!cause.could_not_check.is_empty(), "could not check", ids(&cause.could_not_check)),
    ];
    let rows = rows.into_iter().filter(|(shown, ..)| *shown).flat_map(|(_, label, lines)| {
        lines.into_iter().enumerate().map(move |(i, line)| {
            let label = if i == 0 { label } else { "" };
            vec![label.to_string(), line]
        })
    });
    for line in columns(screen.width - INDENT, &[16], rows) {
        out.plain(&format!("{:indent$}{line}", "", indent = usize::from(INDENT)))?;
    }
    Ok(())
}

/// Lists the likeliest members of a group, or all of them.
fn one_of(members: &[Statement], all: bool) -> String {
    let shown = if all { members.len() } else { members.len().min(4) };
    let mut messages: Vec<String> =
        members[..shown].iter().map(|statement| statement.message.clone()).collect();
    if shown < members.len() {
        messages.push(format!("and {} more", members.len() - shown));
    }
    messages.join("; ")
}

/// Writes a title such as " 95 %  WORKERS NOT DEPLOYED            root cause 1".
fn render_title(cause: &Cause, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let documented = cause.documented.as_deref().map(|name| shorten(name, MAX_NAME)).unwrap_or_default();
    let lines = columns(screen.width - INDENT - 1, &[], [vec![title_in_capitals(cause)]].into_iter());
    let last = lines.last().map_or(0, |line| width(line));
    let room = usize::from(screen.width - INDENT - 1).saturating_sub(last + width(&documented));
    for (i, line) in lines.iter().enumerate() {
        let head = if i == 0 { format!(" {:>2} %  ", cause.confidence) } else { " ".repeat(7) };
        let beside = i + 1 == lines.len() && room >= 2 && !documented.is_empty();
        let tail = if beside { format!("{}{documented}", " ".repeat(room)) } else { String::new() };
        out.line([head.into(), line.as_str().bold(), tail.into()])?;
    }
    match room < 2 && !documented.is_empty() {
        true => out.plain(&format!("       {documented}")),
        false => Ok(()),
    }
}

/// Returns the title in capitals; subjects keep their case.
fn title_in_capitals(cause: &Cause) -> String {
    match cause.title.split_once(": ") {
        Some((title, subjects)) => format!("{}: {subjects}", title.to_uppercase()),
        None => cause.title.to_uppercase(),
    }
}

pub(crate) fn render_statements(
    heading: &str,
    statements: &[Statement],
    screen: Screen,
    out: &mut Lines,
) -> io::Result<()> {
    if statements.is_empty() {
        return Ok(());
    }
    out.blank()?;
    out.line([" ".into(), heading.bold()])?;
    let rows = statements.iter().map(|statement| vec![statement.id.clone(), statement.message.clone()]);
    let widest = statements.iter().map(|statement| width(&statement.id)).max().unwrap_or(0).min(30);
    for line in columns(screen.width - 1, &[u16::try_from(widest).unwrap_or(30) + 2], rows) {
        out.plain(&format!(" {line}"))?;
    }
    Ok(())
}

pub(crate) fn render_actions(actions: &[PlannedAction], screen: Screen, out: &mut Lines) -> io::Result<()> {
    if actions.is_empty() {
        return Ok(());
    }
    out.blank()?;
    out.line([" ".into(), "DO THIS, IN ORDER".bold()])?;
    for (i, action) in actions.iter().enumerate() {
        let rows = action_lines(action, screen.width - 14);
        for (n, line) in rows.iter().enumerate() {
            let head = if n == 0 {
                format!(" {:<2}{:<10}", i + 1, action_label(action.kind))
            } else {
                " ".repeat(13)
            };
            out.plain(&format!("{head}{line}"))?;
        }
    }
    Ok(())
}

/// Lays out the commands, wrapped so that they can still be pasted, and the note about them.
fn action_lines(action: &PlannedAction, width: u16) -> Vec<String> {
    let mut lines: Vec<String> = action.run.iter().flat_map(|command| wrap_command(command, width)).collect();
    if let Some(message) = &action.message {
        let message = if action.run.is_empty() { message.clone() } else { format!("({message})") };
        lines.extend(columns(width, &[], [vec![message]].into_iter()));
    }
    lines
}

/// Wraps a command at spaces outside of quotes, with ` \` at the end of each line.
fn wrap_command(command: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in unbreakable_units(shell_words(command)) {
        let room = width(&line) + 1 + width(&word) + 2;
        if !line.is_empty() && room > columns {
            lines.push(format!("{line} \\"));
            line = format!("  {word}");
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line = format!("{line}{space}{word}");
        }
    }
    lines.push(line);
    lines
}

/// Joins each flag with its value, and each redirection with its file.
fn unbreakable_units(words: Vec<String>) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for word in words {
        let joins = units.last().is_some_and(|last| match last.as_str() {
            "|" | ">" | "<" => true,
            flag => flag.starts_with('-') && !flag.contains(' ') && !word.starts_with(['-', '|', '>', '<']),
        });
        match units.last_mut().filter(|_| joins) {
            Some(last) => *last = format!("{last} {word}"),
            None => units.push(word),
        }
    }
    units
}

fn shell_words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote: Option<char> = None;
    for letter in command.chars() {
        match (quote, letter) {
            (None, ' ') => words.push(String::new()),
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
        if (letter != ' ' || quote.is_some())
            && let Some(word) = words.last_mut()
        {
            word.push(letter);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn render_unavailable(report: &Report, screen: Screen, out: &mut Lines) -> io::Result<()> {
    if report.unavailable.is_empty() {
        return Ok(());
    }
    out.blank()?;
    out.line([" ".into(), "NOT SEEN".bold()])?;
    let rows = report.unavailable.iter().map(|unavailable| {
        let steps: Vec<String> = unavailable.steps.iter().map(ToString::to_string).collect();
        let steps = match steps.len() {
            0 => String::new(),
            1 => format!(" (step {})", steps[0]),
            _ => format!(" (steps {})", steps.join(", ")),
        };
        vec![unavailable.system.clone(), format!("{}{steps}", unavailable.why)]
    });
    let widest =
        report.unavailable.iter().map(|unavailable| width(&unavailable.system)).max().unwrap_or(0).min(30);
    for line in columns(screen.width - 1, &[u16::try_from(widest).unwrap_or(30) + 2], rows) {
        out.plain(&format!(" {line}"))?;
    }
    render_undetermined(&report.undetermined, screen, out)?;
    if !report.causes.is_empty() {
        out.plain(" The ranking may change once these are available.")?;
    }
    if let Some(next) = &report.next {
        out.plain(&format!(" Most useful next check: {}", shorten(&next.check, MAX_NAME)))?;
        let by_hand = wrap_command(&next.by_hand, screen.width - 3);
        let fits = by_hand.iter().all(|line| width(line) <= usize::from(screen.width - 3));
        let explain = vec![format!("pipeline-doctor explain {}", next.check)];
        for line in if fits { by_hand } else { explain } {
            out.plain(&format!("   {line}"))?;
        }
    }
    Ok(())
}

/// How many undetermined causes are listed without `-v`.
const MAX_UNDETERMINED: usize = 5;

/// Lists the ids of the causes that cannot be determined.
fn render_undetermined(causes: &[Statement], screen: Screen, out: &mut Lines) -> io::Result<()> {
    if causes.is_empty() {
        return Ok(());
    }
    let shown = if screen.verbose { causes.len() } else { MAX_UNDETERMINED.min(causes.len()) };
    let mut text: Vec<&str> = causes[..shown].iter().map(|cause| cause.id.as_str()).collect();
    let more = format!("and {} more", causes.len() - shown);
    if shown < causes.len() {
        text.push(&more);
    }
    let row = vec!["Cannot determine:".to_string(), text.join(", ")];
    for line in columns(screen.width - 1, &[18], [row].into_iter()) {
        out.plain(&format!(" {line}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_does_not_change_the_command() {
        let command =
            "docker exec -i shop-db psql -U app -c 'select 1 from a  b' | docker exec -i shop-kafka cat";
        let lines = wrap_command(command, 40);
        assert!(lines.len() > 1);
        let joined = lines.join("\n").replace(" \\\n  ", " ");
        assert_eq!(joined, command);
        assert!(lines.iter().any(|line| line.contains("'select 1 from a  b'")), "{lines:#?}");
    }
}
