//! Writes GitHub-flavoured Markdown and escapes all text.

use crate::base::visible_text::visible;
use std::io::{self, Write};

/// Escapes text and joins it into one line that is safe at the start of a block. Hidden characters become
/// visible escapes. Words that GitHub would turn into a link or a mention become inline code.
pub fn text(plain: &str) -> String {
    let words = plain.split_whitespace().enumerate().map(|(i, word)| {
        let word = visible(word);
        match becomes_link(&word) {
            true => code_span(&word),
            false if i == 0 => escape_block_start(&escape(&word)),
            false => escape(&word),
        }
    });
    words.collect::<Vec<String>>().join(" ")
}

/// Escapes the markup in a word.
fn escape(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut escaped = String::with_capacity(word.len());
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

/// Escapes characters that would begin a list, a quotation, a rule or a heading.
fn escape_block_start(word: &str) -> String {
    let number = word.bytes().take_while(u8::is_ascii_digit).count();
    let is_item = number > 0 && word[number..].starts_with(['.', ')']) && word.len() == number + 1;
    match word {
        _ if is_item => format!("{}\\{}", &word[..number], &word[number..]),
        _ if word.starts_with(['-', '+', '=', '>', '|']) => format!("\\{word}"),
        _ => word.to_string(),
    }
}

/// Reports whether GitHub turns a word into a link: an address, an `@mention` or an issue number.
fn becomes_link(word: &str) -> bool {
    let before = |sign: char, next: fn(&char) -> bool| {
        word.split(sign).skip(1).any(|rest| rest.chars().next().is_some_and(|letter| next(&letter)))
    };
    let lower = word.to_ascii_lowercase();
    lower.contains("://")
        || lower.contains("www.")
        || lower.contains("mailto:")
        || before('@', |letter| letter.is_ascii_alphanumeric())
        || before('#', char::is_ascii_digit)
        || lower.split("gh-").skip(1).any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Formats inline code, one code span per line.
pub fn code(plain: &str) -> String {
    let lines = plain.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines.map(|line| code_span(&visible(line))).collect::<Vec<String>>().join("<br>")
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

/// Writes commands in a fenced block, indented to fit their list item. Each command is on one line,
/// with hidden characters shown as escapes.
pub fn fence(commands: &[String], indent: usize, out: &mut dyn Write) -> io::Result<()> {
    let margin = " ".repeat(indent);
    let longest = commands.iter().map(|command| longest_run(command)).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n{margin}{fence}sh")?;
    for command in commands {
        writeln!(out, "{margin}{}", visible(command))?;
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

    /// Returns the parser events of some Markdown, except text, code and paragraphs.
    fn markup(markdown: &str) -> Vec<Event<'_>> {
        let events = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
        let is_plain = |event: &Event| {
            let paragraph = [Event::Start(Tag::Paragraph), Event::End(TagEnd::Paragraph)];
            matches!(event, Event::Text(_) | Event::Code(_)) || paragraph.contains(event)
        };
        events.filter(|event| !is_plain(event)).collect()
    }

    #[test]
    fn no_text_begins_a_block_or_a_link() {
        for plain in [
            "1. x",
            "2) x",
            "- x",
            "-",
            "+ x",
            "---",
            "===",
            "> x",
            "# x",
            "```sh",
            "~~~",
            "    x",
            "| a | b |",
            "a\n\nHEALTHY: b",
            "a\r# b",
            "a\u{2028}- b",
            "</details><img src=x>",
            "<https://x.y>",
            "a\u{1b}[2J",
            "see https://evil.example/x and www.evil.example",
            "@all: #12, GH-7, o/r#3, mailto:a@b.c",
            "[a](http://b)",
            "![a](b)",
            "**a** _b_ `c` ~~d~~",
            "&lt;b&gt; &#64;all",
            "<!-- a -->",
            "a  \nb\\",
        ] {
            let escaped = text(plain);
            assert_eq!(markup(&escaped), [], "{plain:?} as {escaped:?}");
            assert!(!escaped.contains('\n'), "{escaped:?}");
        }
        assert_eq!(text("ask @all about #12 at http://x/y_z"), "ask `@all` about `#12` at `http://x/y_z`");
        assert_eq!(text("1. x"), r"1\. x");
        assert_eq!(text("4 of 4 - all"), "4 of 4 - all");
        assert_eq!(code("a\u{1b}\u{202e}\nb"), r"`a\x1b\u{202e}`<br>`b`");
    }

    #[test]
    fn a_command_takes_one_line_of_its_fence() {
        let mut markdown = Vec::new();
        fence(&["echo 'a\nHEALTHY: b\u{9b}'".to_string()], 0, &mut markdown).unwrap();
        assert_eq!(String::from_utf8(markdown).unwrap(), "\n```sh\necho 'a\\nHEALTHY: b\\x9b'\n```\n");
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
