//! Checks a pipeline's SQL without a database, and builds the query for records.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::toml_document::{Document, Entry};
use crate::pipeline::sql_effects::effects;
use crate::pipeline::sql_tokens::{Kind, Token, tokenize};
use std::ops::Range;

/// The paths to SQL in a pipeline file.
const SQL_PATHS: &[&str] = &["event.sql", "stage[].sql", "stage[].quick_sql"];

/// The path to the SQL that is printed on a single line.
const SINGLE_LINE_SQL_PATH: &str = "stage[].record_sql";

/// Help text for pipeline SQL.
const EXPECTED: &str =
    "expected one select that returns the rows of all events, with the event's id in column `id`";

/// Returns SQL that selects the records for some ids (SQL literals) in the console producer's
/// input format: `name:value,…<tab>key<tab>value`, where the first field contains the headers. The
/// format has no quoting, so the query fails if a header, key or value would forge another field or
/// record.
pub fn record_lines(record_sql: &str, ids: &str) -> String {
    let cut = |text: &str, and: &str| format!("{text} ~ '[[:cntrl:]{and}]'");
    let headers = format!("{} or {}", cut("h.key", ",:"), cut("h.value", ","));
    let unsafe_record = format!(
        "exists (select from jsonb_each_text(r.headers) h where {headers}) or {} or {}",
        cut("r.key", ""),
        cut("r.value::text", "")
    );
    format!(
        "select case when {unsafe_record} then ('record ' || r.id || ' has a tab, line break, comma or colon \
         where a line for the console producer cannot: send it by hand')::int::text \
         else (select string_agg(h.key || ':' || h.value, ',') from jsonb_each_text(r.headers) h) \
         || chr(9) || r.key || chr(9) || r.value end from ({record_sql}) r where r.id in ({ids})"
    )
}

/// Returns SQL on one line, without its comments. Quoted text is kept as is.
pub fn on_one_line(sql: &str) -> String {
    let mut line = String::with_capacity(sql.len());
    let mut end = 0;
    let mut tokens = tokenize(sql);
    tokens.sort_by_key(|token| token.at.start);
    for token in tokens {
        // A parameter may be inside quoted text.
        if token.at.start < end {
            continue;
        }
        let is_comment = token.kind == Kind::Comment;
        if (token.at.start > end || is_comment) && !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
        if !is_comment {
            line.push_str(&sql[token.at.clone()]);
        }
        end = token.at.end;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Checks a pipeline's SQL. It must select all events. The program adds `where id = …`, so one
/// statement serves both single ids and counts.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let mut check = |entry: &Entry, single_line: bool| {
        for (at, what, help) in find_mistakes(&entry.text, single_line) {
            mistakes.push(document.source().mistake_within(&entry.at, &at, what).help(help));
        }
    };
    SQL_PATHS.iter().flat_map(|path| document.texts(path)).for_each(|entry| check(&entry, false));
    document.texts(SINGLE_LINE_SQL_PATH).iter().for_each(|entry| check(entry, true));
}

/// Help text for a custom fact's SQL.
const CUSTOM_FACT_EXPECTED: &str =
    "expected one select without parameters other than $1, the requested id as text";

/// The parameter for the requested id in a custom fact's SQL.
const ID_PARAMETER: &str = "$1";

/// Checks a custom fact's SQL.
pub fn custom_fact_mistakes(entry: &Entry, source: &Source) -> Vec<Mistake> {
    let is_id = |mistake: &SqlMistake| entry.text.get(mistake.0.clone()) == Some(ID_PARAMETER);
    let found = find_mistakes(&entry.text, false).into_iter().filter(|mistake| !is_id(mistake));
    let found = found.map(|(at, what, help)| {
        let help = if help == EXPECTED { CUSTOM_FACT_EXPECTED } else { help };
        source.mistake_within(&entry.at, &at, what).help(help)
    });
    found.collect()
}

/// Reports whether a custom fact's SQL uses the requested id.
pub fn binds_id(sql: &str) -> bool {
    let is_id =
        |token: &Token| token.kind == Kind::Parameter && sql.get(token.at.clone()) == Some(ID_PARAMETER);
    tokenize(sql).iter().any(is_id)
}

/// A byte range, the problem and its help text.
type SqlMistake = (Range<usize>, String, &'static str);

fn find_mistakes(sql: &str, single_line: bool) -> Vec<SqlMistake> {
    let tokens = tokenize(sql);
    let mut found: Vec<SqlMistake> = Vec::new();
    let mut code = tokens.iter().filter(|token| !matches!(token.kind, Kind::Comment));
    match code.next() {
        Some(first) if first.kind == Kind::Word && is_query(&sql[first.at.clone()]) => {}
        Some(first) => found.push((first.at.clone(), "not a select".into(), EXPECTED)),
        None => found.push((0..sql.len(), "no SQL".into(), EXPECTED)),
    }
    let mut open: Vec<&Token> = Vec::new();
    for token in &tokens {
        let text = &sql[token.at.clone()];
        match (token.kind, text) {
            (Kind::Parameter, _) => {
                found.push((token.at.clone(), format!("`{text}` binds a value"), EXPECTED));
            }
            (Kind::Symbol, ";") => found.push((token.at.clone(), "`;` ends the statement".into(), SEMICOLON)),
            (Kind::Symbol, "(") => open.push(token),
            (Kind::Symbol, ")") if open.pop().is_none() => {
                found.push((token.at.clone(), "unmatched `)`".into(), "remove it, or add the missing `(`"));
            }
            (Kind::Unclosed, _) => {
                found.push((
                    token.at.clone(),
                    "unclosed string or comment".into(),
                    "close the string or comment",
                ));
            }
            (Kind::Comment, text) if text.starts_with("--") && (single_line || token.at.end == sql.len()) => {
                found.push((token.at.clone(), "this comment hides the SQL after it".into(), COMMENT));
            }
            _ => {}
        }
    }
    found.extend(effects(sql, &tokens));
    found.extend(
        open.iter().map(|token| (token.at.clone(), "`(` is never closed".to_string(), "close it with )")),
    );
    found
}

const SEMICOLON: &str = "remove it, because the statement is embedded in another one";
const COMMENT: &str = "write it as /* ... */, because the statement is embedded in another one";

fn is_query(word: &str) -> bool {
    ["select", "with", "values", "table"].iter().any(|query| word.eq_ignore_ascii_case(query))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(sql: &str) -> Vec<String> {
        find_mistakes(sql, false).into_iter().map(|(at, what, _)| format!("{} {what}", at.start)).collect()
    }

    #[test]
    fn valid_sql_has_no_mistakes() {
        for sql in [
            "select id, at from done where type = 'ORDERED'",
            "\n-- the events\nwith x as (select 1) /* a ; ( $1 */ select * from x",
            "select a->>'b;(', '$1', $$ ; $1 $$, $x$ ( $x$, E'it\\'s ;', \"odd ; name\", a$1 from t",
            "SELECT jsonb_path_query(x, '$.a') from t",
            "select 'it''s' from t",
        ] {
            assert_eq!(mistakes(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn a_line_has_no_comments_and_keeps_quoted_text() {
        for (sql, line) in [
            ("select id -- the id\n  from t", "select id from t"),
            ("/* a */ select\t1/**/from t -- x\n", "select 1 from t"),
            (
                "select 'a  -- b',\n  \"c  d\" , E'it\\'s  ' from  t",
                "select 'a  -- b', \"c  d\" , E'it\\'s  ' from t",
            ),
            ("select '{id}' from t", "select '{id}' from t"),
        ] {
            assert_eq!(on_one_line(sql), line);
        }
    }

    #[test]
    fn reports_each_mistake_with_its_position() {
        for (sql, expected) in [
            ("select id from t where id = $1", "28 `$1` binds a value"),
            ("select id from t where id = '{id}'", "29 `{id}` binds a value"),
            ("select 1;", "8 `;` ends the statement"),
            ("delete from t", "0 not a select"),
            ("", "0 no SQL"),
            ("select (1", "7 `(` is never closed"),
            ("select 1)", "8 unmatched `)`"),
            ("select 'a", "7 unclosed string or comment"),
            ("select 1 -- one", "9 this comment hides the SQL after it"),
        ] {
            assert_eq!(mistakes(sql), [expected], "{sql}");
        }
    }

    #[test]
    fn a_custom_fact_may_bind_only_the_id() {
        let mistakes = |sql: &str| {
            let source = Source { name: "custom.toml".into(), text: format!("sql = \"{sql}\"") };
            let entry = Entry { text: sql.into(), at: 6..8 + sql.len() };
            custom_fact_mistakes(&entry, &source)
                .iter()
                .map(|mistake| mistake.what.clone())
                .collect::<Vec<String>>()
        };
        assert_eq!(mistakes("select count(*) from t where a = $1 or b = $1"), Vec::<String>::new());
        assert_eq!(mistakes("select count(*) from t where a = $2"), ["`$2` binds a value"]);
        assert_eq!(mistakes("delete from t where a = $1"), ["not a select"]);
        assert!(binds_id("select 1 where a = $1") && !binds_id("select '$1' -- $1\n, $12"));
    }

    #[test]
    fn single_line_sql_must_not_contain_line_comments() {
        assert_eq!(find_mistakes("select 1 -- one\n, 2", false).len(), 0);
        assert_eq!(find_mistakes("select 1 -- one\n, 2", true).len(), 1);
    }
}
