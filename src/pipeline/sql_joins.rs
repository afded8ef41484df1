//! Comparisons of a column with a value as text, `p.student_id::text = e.payload->>'studentId'`, which work for
//! columns of any type but use no index. In the column's own type, they use its index.

use crate::pipeline::sql_tokens::{Kind, Token, tokenize};
use std::collections::BTreeMap;
use std::ops::Range;

/// A column of a table, as the SQL names both.
pub type Column = (String, String);

/// A comparison of a column with a value as text.
#[derive(Debug, PartialEq, Eq)]
struct Comparison {
    column: Column,
    /// The column with its alias, without the cast.
    left: Range<usize>,
    value: Range<usize>,
}

/// Returns the columns that a statement compares as text.
pub fn columns_compared_as_text(sql: &str) -> impl Iterator<Item = Column> {
    comparisons(sql).into_iter().map(|comparison| comparison.column)
}

/// Returns the statement with each comparison as text replaced by one in the column's type, if that is known
/// and text can be converted to it without errors.
pub fn compare_in_type_of_column(sql: &str, types: &BTreeMap<Column, String>) -> String {
    let mut typed = String::with_capacity(sql.len());
    let mut end = 0;
    for Comparison { column, left, value } in comparisons(sql) {
        let (name, text) = (&sql[left.clone()], &sql[value.clone()]);
        if let Some(converted) = types.get(&column).and_then(|ty| convert(text, ty)) {
            typed += &sql[end..left.start];
            typed += &format!("{name} = {converted}");
            end = value.end;
        }
    }
    typed + &sql[end..]
}

/// Converts text to a type. Text that is not of the type becomes null, which equals nothing.
fn convert(text: &str, ty: &str) -> Option<String> {
    let if_holds =
        |condition: &str, ty: &str| format!("(case when {text} {condition} then ({text})::{ty} end)");
    // A regular expression takes longer than finding the row by an index.
    let is_uuid = format!(
        "like '________-____-____-____-____________' and translate({text}, '0123456789abcdef', '') = '----'"
    );
    Some(match ty {
        "text" | "character varying" => text.to_string(),
        "uuid" => if_holds(&is_uuid, "uuid"),
        "bigint" | "integer" | "smallint" => if_holds("~ '^(0|-?[1-9][0-9]{0,17})$'", "bigint"),
        _ => return None,
    })
}

/// Finds `alias.column::text = value`, where the value is a column or a field of one as text (`->>`).
fn comparisons(sql: &str) -> Vec<Comparison> {
    let tokens: Vec<Token> = tokenize(sql).into_iter().filter(|token| token.kind != Kind::Comment).collect();
    let words = Words { sql, tokens: &tokens };
    let aliases = words.aliases();
    (0..tokens.len()).filter_map(|at| words.comparison(at, &aliases)).collect()
}

/// Words that may follow a comparison. Anything else may continue its value.
const FOLLOWING: [&str; 14] = [
    "and", "or", "where", "join", "left", "inner", "cross", "group", "order", "limit", "union", "then", "on",
    ")",
];

/// Words that follow a table but are no alias.
const NO_ALIAS: [&str; 12] =
    ["on", "where", "join", "left", "inner", "cross", "group", "order", "limit", "union", "using", "as"];

/// The tokens of a statement.
struct Words<'s> {
    sql: &'s str,
    tokens: &'s [Token],
}

impl<'s> Words<'s> {
    fn text(&self, at: usize) -> &'s str {
        self.tokens.get(at).map_or("", |token| &self.sql[token.at.clone()])
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word)
    }

    fn is(&self, at: usize, texts: &[&str]) -> bool {
        texts.iter().enumerate().all(|(i, text)| self.text(at + i).eq_ignore_ascii_case(text))
    }

    /// Returns the table behind each alias. An alias of several tables has none.
    fn aliases(&self) -> BTreeMap<&'s str, Option<String>> {
        let mut aliases: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for at in 0..self.tokens.len() {
            let Some((table, next)) = self.table(at) else { continue };
            let next = if self.is(next, &["as"]) { next + 1 } else { next };
            let alias = self.text(next);
            if self.is_word(next) && !NO_ALIAS.contains(&alias.to_ascii_lowercase().as_str()) {
                let known = aliases.entry(alias).or_insert(Some(table.clone()));
                *known = known.take().filter(|known| *known == table);
            }
        }
        aliases
    }

    /// Returns the table after `from` or `join` at this token, and the position after it.
    fn table(&self, at: usize) -> Option<(String, usize)> {
        if !(self.is(at, &["from"]) || self.is(at, &["join"])) || !self.is_word(at + 1) {
            return None;
        }
        match self.is(at + 2, &["."]) && self.is_word(at + 3) {
            true => Some((format!("{}.{}", self.text(at + 1), self.text(at + 3)), at + 4)),
            false => Some((self.text(at + 1).to_string(), at + 2)),
        }
    }

    fn comparison(&self, at: usize, aliases: &BTreeMap<&str, Option<String>>) -> Option<Comparison> {
        let starts = at == 0 || !self.is(at - 1, &["."]);
        if !(starts && self.is_column(at) && self.is(at + 3, &[":", ":", "text", "="])) {
            return None;
        }
        let table = aliases.get(self.text(at))?.clone()?;
        let end = self.value_end(at + 7)?;
        Some(Comparison {
            column: (table, self.text(at + 2).to_string()),
            left: self.tokens[at].at.start..self.tokens[at + 2].at.end,
            value: self.tokens[at + 7].at.start..self.tokens[end - 1].at.end,
        })
    }

    fn is_column(&self, at: usize) -> bool {
        self.is_word(at) && self.is(at + 1, &["."]) && self.is_word(at + 2)
    }

    /// Returns the position after the value that begins at this token.
    fn value_end(&self, at: usize) -> Option<usize> {
        if !self.is_column(at) {
            return None;
        }
        let is_field = self.is(at + 3, &["-", ">", ">"])
            && self.tokens.get(at + 6).is_some_and(|token| token.kind == Kind::Quoted);
        let end = match () {
            () if is_field => at + 7,
            () if self.is(at + 3, &[":", ":", "text"]) => at + 6,
            () => return None,
        };
        let next = self.text(end).to_ascii_lowercase();
        (end == self.tokens.len() || FOLLOWING.contains(&next.as_str())).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "select e.event_key as id, p.created_at as at
  from events e
  join shop.orders p -- of the student
    on p.student_id::text = e.payload->>'studentId' and p.course_id::text = e.payload->>'courseId'
  join items i on i.order_id::text = p.id::text
 where e.kind::text = 'A'";

    fn column(table: &str, name: &str) -> Column {
        (table.to_string(), name.to_string())
    }

    #[test]
    fn finds_columns_that_are_compared_as_text() {
        let found: Vec<Column> = columns_compared_as_text(SQL).collect();
        let student = column("shop.orders", "student_id");
        let course = column("shop.orders", "course_id");
        assert_eq!(found, [student, course, column("items", "order_id")]);
    }

    #[test]
    fn compares_in_the_type_of_the_column() {
        let types = [
            (column("shop.orders", "student_id"), "uuid".to_string()),
            (column("shop.orders", "course_id"), "character varying".to_string()),
            (column("items", "order_id"), "bigint".to_string()),
        ];
        let typed = compare_in_type_of_column(SQL, &types.into());
        let uuid = "p.student_id = (case when e.payload->>'studentId' like '________-____-____-____-____________' \
                    and translate(e.payload->>'studentId', '0123456789abcdef', '') = '----' \
                    then (e.payload->>'studentId')::uuid end)";
        assert!(typed.contains(uuid), "{typed}");
        assert!(typed.contains("and p.course_id = e.payload->>'courseId'\n"), "{typed}");
        assert!(typed.contains("i.order_id = (case when p.id::text ~ '^(0|-?[1-9][0-9]{0,17})$'"), "{typed}");
        assert!(typed.ends_with("where e.kind::text = 'A'"), "{typed}");
    }

    #[test]
    fn leaves_what_it_does_not_know_as_it_is() {
        let types: BTreeMap<Column, String> = [(column("a", "x"), "uuid".to_string())].into();
        for sql in [
            // Another type, and no type.
            "select 1 from b c join a d on d.y::text = c.z::text",
            // The value goes on.
            "select 1 from b c join a d on d.x::text = c.z::text || 'a'",
            "select 1 from b c join a d on d.x::text = c.z->>'a'->>'b'",
            // One alias for two tables.
            "select 1 from a d where exists (select from b d where d.x::text = e.z::text)",
            // Not code.
            "select 'from a d where d.x::text = e.z::text'",
        ] {
            assert_eq!(compare_in_type_of_column(sql, &types), sql);
        }
        let other = [(column("a", "x"), "numeric".to_string())].into();
        let sql = "select 1 from b c join a d on d.x::text = c.z::text";
        assert_eq!(compare_in_type_of_column(sql, &other), sql);
    }
}
