//! The report for a terminal: 80 columns, the verdict on the last line.

use crate::remedy::Planned;
use crate::report::layout::{Screen, Sign, columns, kind};
use crate::report::model::{Cause, FindingShown, Outcome, Report, Step, Told, VerdictShown};
use crate::report::switched;
use crate::text::plural::count;
use colored::Colorize;
use std::io::{self, Write};

/// How many causes are shown without `-v`.
const CAUSES: usize = 3;
/// Left margin of a cause's lines.
const INDENT: u16 = 7;

/// Writes the report as text. Colours are `colored`'s: its switch decides.
pub fn render(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let id = report.id.as_deref().unwrap_or("all events");
    let taken = report.taken.strftime("%d %b %H:%MZ");
    writeln!(out, "pipeline-doctor  {}  {}  {taken}\n", report.pipeline.bold(), id.bold())?;
    for step in &report.steps {
        render_step(step, screen, out)?;
    }
    let causes: Vec<&Cause> =
        report.causes.iter().filter(|c| screen.verbose || is_telling(c, report)).collect();
    let shown = if screen.verbose { causes.len() } else { CAUSES.min(causes.len()) };
    for (i, cause) in causes.into_iter().take(shown).enumerate() {
        // What is ruled out is said once, under the first.
        let ruled_out = if i == 0 { report.ruled_out.as_slice() } else { &[] };
        writeln!(out)?;
        render_cause(cause, ruled_out, screen, out)?;
    }
    if report.causes.len() > shown {
        writeln!(
            out,
            "\n {}, less likely: -v shows",
            count((report.causes.len() - shown) as u64, "more cause")
        )?;
    }
    render_told("UNEXPLAINED", &report.unexplained, screen, out)?;
    render_told("RISKS", &report.risks, screen, out)?;
    render_actions(&report.actions, screen, out)?;
    render_unseen(report, screen, out)?;
    switched::render(report, screen, out)?;
    writeln!(out, "\n{}", headline(report))
}

/// Whether a cause is worth its lines: it is about as likely as the best ones, or
/// something speaks for it that they do not explain.
fn is_telling(cause: &Cause, report: &Report) -> bool {
    let best = || report.causes.iter().filter(|cause| cause.best);
    let likely = best().all(|best| cause.confidence * 2 >= best.confidence);
    let explained = |told: &Told| {
        let by =
            |best: &Cause| best.because.iter().chain(&best.also_explains).any(|other| other.id == told.id);
        best().any(by)
    };
    likely || cause.best || !cause.because.iter().all(explained)
}

fn headline(report: &Report) -> String {
    let line = &report.headline;
    match report.outcome {
        Outcome::Healthy => line.green().bold().to_string(),
        Outcome::Problem => line.red().bold().to_string(),
        _ => line.yellow().bold().to_string(),
    }
}

fn render_step(step: &Step, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
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

/// One line for each check; instances that say the same share it, and so do
/// passed checks in a row.
fn render_findings(step: &Step, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let same = |a: &FindingShown, b: &FindingShown| {
        a.verdict == VerdictShown::Pass && b.verdict == a.verdict && a.say == b.say
    };
    for alike in step.findings.chunk_by(same) {
        let finding = &alike[0];
        let name = match alike.len() {
            1 => finding.check.clone(),
            all => format!("{} +{}", finding.check, all - 1),
        };
        let rows = [vec![name, finding.say.clone()]];
        let lines = columns(screen.width - 7, &[27], rows.into_iter());
        render_signed(finding.verdict.into(), &lines, 5, screen, out)?;
    }
    Ok(())
}

/// Lines, indented, with a sign before the first of them.
pub(crate) fn render_signed(
    sign: Sign,
    lines: &[String],
    indent: usize,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (i, line) in lines.iter().enumerate() {
        let sign = if i == 0 { sign.coloured(screen) } else { " ".to_string() };
        writeln!(out, "{:indent$}{sign} {line}", "")?;
    }
    Ok(())
}

fn render_cause(cause: &Cause, ruled_out: &[Told], screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    render_title(cause, screen, out)?;
    let says = |told: &[Told]| {
        let mut says: Vec<String> = Vec::new();
        for told in told {
            // Two checks of the same fact say the same.
            if !says.contains(&told.say) {
                says.push(told.say.clone());
            }
        }
        says
    };
    let joined =
        |told: &[Told]| vec![told.iter().map(|told| told.say.as_str()).collect::<Vec<_>>().join("; ")];
    let ids = |told: &[Told]| vec![told.iter().map(|told| told.id.as_str()).collect::<Vec<_>>().join(", ")];
    // What a lesser cause would explain too, the first one says already.
    let whole = cause.best || screen.verbose;
    let shown = if screen.verbose { ruled_out } else { &ruled_out[..ruled_out.len().min(2)] };
    let rows = [
        (!cause.one_of.is_empty(), "one of", vec![one_of(&cause.one_of, screen.verbose)]),
        (!cause.because.is_empty(), "because", says(&cause.because)),
        (whole && !cause.context.is_empty(), "context", says(&cause.context)),
        (
            whole && !cause.also_explains.is_empty(),
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
        writeln!(out, "{:indent$}{line}", "", indent = usize::from(INDENT))?;
    }
    Ok(())
}

/// The likeliest of a group's members.
fn one_of(members: &[Told], all: bool) -> String {
    let shown = if all { members.len() } else { members.len().min(4) };
    let mut says: Vec<String> = members[..shown].iter().map(|told| told.say.clone()).collect();
    if shown < members.len() {
        says.push(format!("and {} more", members.len() - shown));
    }
    says.join("; ")
}

/// " 95 %  WORKERS NOT DEPLOYED            root cause 1".
fn render_title(cause: &Cause, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let documented = cause.documented.clone().unwrap_or_default();
    let lines = columns(screen.width - INDENT - 1, &[], [vec![title_in_capitals(cause)]].into_iter());
    let last = lines.last().map_or(0, |line| line.chars().count());
    let room = usize::from(screen.width - INDENT - 1).saturating_sub(last + documented.chars().count());
    for (i, line) in lines.iter().enumerate() {
        let head = if i == 0 { format!(" {:>2} %  ", cause.confidence) } else { " ".repeat(7) };
        let tail = match i + 1 == lines.len() && !documented.is_empty() {
            true if room >= 2 => format!("{}{documented}", " ".repeat(room)),
            true => format!("\n       {documented}"),
            false => String::new(),
        };
        writeln!(out, "{head}{}{tail}", line.bold())?;
    }
    Ok(())
}

/// The title in capitals; subjects stay as they are written.
fn title_in_capitals(cause: &Cause) -> String {
    match cause.title.split_once(": ") {
        Some((title, subjects)) => format!("{}: {subjects}", title.to_uppercase()),
        None => cause.title.to_uppercase(),
    }
}

pub(crate) fn render_told(
    heading: &str,
    told: &[Told],
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n {}", heading.bold())?;
    let rows = told.iter().map(|told| vec![told.id.clone(), told.say.clone()]);
    let widest = told.iter().map(|told| told.id.len()).max().unwrap_or(0).min(30);
    for line in columns(screen.width - 1, &[u16::try_from(widest).unwrap_or(30) + 2], rows) {
        writeln!(out, " {line}")?;
    }
    Ok(())
}

pub(crate) fn render_actions(actions: &[Planned], screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    if actions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n {}", "DO THIS, IN ORDER".bold())?;
    for (i, action) in actions.iter().enumerate() {
        let rows = action_lines(action, screen.width - 14);
        for (n, line) in rows.iter().enumerate() {
            let head =
                if n == 0 { format!(" {:<2}{:<10}", i + 1, kind(action.kind)) } else { " ".repeat(13) };
            writeln!(out, "{head}{line}")?;
        }
    }
    Ok(())
}

/// Commands, wrapped so that they can still be pasted, and what to know of them.
fn action_lines(action: &Planned, width: u16) -> Vec<String> {
    let mut lines: Vec<String> = action.run.iter().flat_map(|command| wrap_command(command, width)).collect();
    if let Some(say) = &action.say {
        let say = if action.run.is_empty() { say.clone() } else { format!("({say})") };
        lines.extend(columns(width, &[], [vec![say]].into_iter()));
    }
    lines
}

/// Breaks a command where a shell may: at spaces outside of quotes, with ` \`.
fn wrap_command(command: &str, width: u16) -> Vec<String> {
    let width = usize::from(width);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in units(shell_words(command)) {
        let room = line.chars().count() + 1 + word.chars().count() + 2;
        if !line.is_empty() && room > width {
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

/// A flag and its value stay together, and so do a redirection and its file.
fn units(words: Vec<String>) -> Vec<String> {
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

fn render_unseen(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    if report.unseen.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n {}", "NOT SEEN".bold())?;
    let rows = report.unseen.iter().map(|unseen| {
        let steps: Vec<String> = unseen.steps.iter().map(ToString::to_string).collect();
        let steps = match steps.len() {
            0 => String::new(),
            1 => format!(" (step {})", steps[0]),
            _ => format!(" (steps {})", steps.join(", ")),
        };
        vec![unseen.system.clone(), format!("{}{steps}", unseen.why)]
    });
    let widest = report.unseen.iter().map(|unseen| unseen.system.len()).max().unwrap_or(0).min(30);
    for line in columns(screen.width - 1, &[u16::try_from(widest).unwrap_or(30) + 2], rows) {
        writeln!(out, " {line}")?;
    }
    render_untellable(&report.untellable, screen, out)?;
    if !report.causes.is_empty() {
        writeln!(out, " The ranking may change once it is seen.")?;
    }
    if let Some(next) = &report.next {
        writeln!(out, " What would tell most: {}", next.check)?;
        let by_hand = wrap_command(&next.by_hand, screen.width - 3);
        let fits = by_hand.iter().all(|line| line.chars().count() <= usize::from(screen.width - 3));
        let explain = vec![format!("pipeline-doctor explain {}", next.check)];
        for line in if fits { by_hand } else { explain } {
            writeln!(out, "   {line}")?;
        }
    }
    Ok(())
}

/// How many causes that cannot be told are named without `-v`.
const UNTELLABLE: usize = 5;

/// The causes that nobody can tell while it is not seen, by id.
fn render_untellable(causes: &[Told], screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    if causes.is_empty() {
        return Ok(());
    }
    let shown = if screen.verbose { causes.len() } else { UNTELLABLE.min(causes.len()) };
    let mut text: Vec<&str> = causes[..shown].iter().map(|cause| cause.id.as_str()).collect();
    let more = format!("and {} more", causes.len() - shown);
    if shown < causes.len() {
        text.push(&more);
    }
    let row = vec!["Cannot tell:".to_string(), text.join(", ")];
    for line in columns(screen.width - 1, &[13], [row].into_iter()) {
        writeln!(out, " {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_command_is_the_same_command() {
        let command =
            "docker exec -i shop-db psql -U app -c 'select 1 from a  b' | docker exec -i shop-kafka cat";
        let lines = wrap_command(command, 40);
        assert!(lines.len() > 1);
        let joined = lines.join("\n").replace(" \\\n  ", " ");
        assert_eq!(joined, command);
        assert!(lines.iter().any(|line| line.contains("'select 1 from a  b'")), "{lines:#?}");
    }
}
