//! Writes GitHub-flavoured Markdown and escapes all text.

use std::io::{self, Write};

/// Escapes text and joins it into one line. The result must not be placed at the start of a
/// line, where `-` or `1.` would start a list.
pub fn text(plain: &str) -> String {
    let line = plain.split_whitespace().collect::<Vec<&str>>().join(" ");
    let letters: Vec<char> = line.chars().collect();
    let mut escaped = String::with_capacity(line.len());
    for (i, letter) in letters.iter().enumerate() {
        let in_word =
            |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| c.is_alphanumeric());
        let plain_underscore = *letter == '_' && in_word(i.checked_sub(1)) && in_word(Some(i + 1));
        if r"\`*_[]<&~$#".contains(*letter) && !plain_underscore {
            escaped.push('\\');
        }
        escaped.push(*letter);
    }
    escaped
}

/// Formats inline code, one code span per line.
pub fn code(plain: &str) -> String {
    let lines = plain.lines().filter(|line| !line.trim().is_empty());
    lines.map(code_span).collect::<Vec<String>>().join("<br>")
}

/// Formats names as a list of inline code.
pub fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(code).collect::<Vec<String>>().join(", ")
}

fn code_span(line: &str) -> String {
    // In a table cell, the backslash would escape the pipe.
    if line.contains(r"\|") {
        return format!("<code>{}</code>", entities(line));
    }
    let fence = "`".repeat(longest_run(line) + 1);
    let touches = |edge: char| line.starts_with(edge) || line.ends_with(edge);
    let space = if touches('`') || touches(' ') { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}")
}

/// Replaces every punctuation character with its numeric entity.
fn entities(line: &str) -> String {
    let one = |letter: char| match letter.is_ascii_punctuation() {
        true => format!("&#{};", u32::from(letter)),
        false => letter.to_string(),
    };
    line.chars().map(one).collect()
}

/// Returns the length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

/// Writes a heading. Level 1 is the title, so no empty line precedes it.
pub fn heading(level: usize, markdown: &str, out: &mut dyn Write) -> io::Result<()> {
    let before = if level == 1 { "" } else { "\n" };
    writeln!(out, "{before}{} {markdown}", "#".repeat(level))
}

/// Writes a paragraph unless it is empty.
pub fn paragraph(markdown: &str, out: &mut dyn Write) -> io::Result<()> {
    if markdown.is_empty() { Ok(()) } else { writeln!(out, "\n{markdown}") }
}

/// Writes a list unless it is empty.
pub fn list(items: impl IntoIterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let items: Vec<String> = items.into_iter().map(|item| format!("- {item}")).collect();
    paragraph(&items.join("\n"), out)
}

/// Writes commands in a fenced block, indented to fit their list item.
pub fn fence(commands: &[String], indent: usize, out: &mut dyn Write) -> io::Result<()> {
    let margin = " ".repeat(indent);
    let longest = commands.iter().map(|command| longest_run(command)).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n{margin}{fence}sh")?;
    for line in commands.iter().flat_map(|command| command.lines()) {
        writeln!(out, "{margin}{line}")?;
    }
    writeln!(out, "{margin}{fence}")
}

/// Writes a table of Markdown cells unless it has no rows.
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let row = |cells: [String; N]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', r"\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rows: Vec<String> = rows.into_iter().map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| {} |\n|{}\n{}", head.join(" | "), "---|".repeat(N), rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    /// Returns the cells of a Markdown table as a reader sees them, with HTML unchanged.
    fn cells(markdown: &str) -> Vec<String> {
        let mut cells: Vec<String> = Vec::new();
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match (event, cells.last_mut()) {
                (Event::Start(Tag::TableCell), _) => cells.push(String::new()),
                (Event::Text(text) | Event::Code(text) | Event::InlineHtml(text), Some(cell)) => {
                    *cell += &text
                }
                (Event::Start(Tag::Emphasis | Tag::Link { .. } | Tag::Strikethrough), _) => {
                    panic!("{markdown}")
                }
                (Event::End(TagEnd::Table), _) => return cells,
                _ => {}
            }
        }
        panic!("no table in\n{markdown}")
    }

    const TEXTS: [&str; 8] = [
        "a | b",
        r"grep 'a\|b' | tail",
        "`date` | ``x``",
        r"^\S+\\ *_x_ ~~y~~ \[z\](w)",
        "a <br> b &amp; c",
        "$x$ # @y <z@w.de> `",
        " leading",
        r"ends in \",
    ];

    #[test]
    fn cells_show_any_text_verbatim() {
        for plain in TEXTS {
            let mut markdown = Vec::new();
            table(["a", "b"], [[text(plain), code(plain)]], &mut markdown).unwrap();
            let markdown = String::from_utf8(markdown).unwrap();
            let shown = cells(&markdown);
            let as_code = shown[3].trim_start_matches("<code>").trim_end_matches("</code>");
            assert_eq!([&shown[2], as_code], [plain.trim(), plain], "{markdown}");
            assert_eq!(shown.len(), 4, "{markdown}");
        }
    }

    #[test]
    fn underscores_in_names_are_not_escaped() {
        assert_eq!(text("a row in stock_items"), "a row in stock_items");
        assert_eq!(text("_x_ a_"), r"\_x\_ a\_");
    }

    #[test]
    fn a_fence_is_longer_than_the_backticks_inside() {
        let mut markdown = Vec::new();
        fence(&["echo '```'".to_string()], 3, &mut markdown).unwrap();
        assert_eq!(String::from_utf8(markdown).unwrap(), "\n   ````sh\n   echo '```'\n   ````\n");
    }
}
