//! Tests of the positions of placeholders.

use super::*;
use crate::text::template::{Piece, Template};

/// Returns the position of the last value in a line.
fn position(line: &str) -> Position {
    let template = Template::parse(line);
    let mut found = template.pieces().iter().rev().filter_map(|piece| match piece {
        Piece::Placeholder(placeholder, position) if !placeholder.is_command() => Some(*position),
        _ => None,
    });
    found.next().unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn finds_the_quotes_around_a_value() {
    for (line, quotes) in [
        ("grep {id}", Quotes::Bare),
        ("grep a'{id}'", Quotes::Single),
        ("grep \"{id}\"", Quotes::Double),
        ("grep \"it's {id}\"", Quotes::Double),
        ("grep 'a\"b' {id}", Quotes::Bare),
        ("grep \\' {id}", Quotes::Bare),
        ("echo \"$(grep {id})\"", Quotes::Bare),
        ("echo \"$(grep \"{id}\") {id}\"", Quotes::Double),
        ("echo $(grep 'x)' y) '{id}'", Quotes::Single),
        ("psql -c \"select '{id}'\"", Quotes::Double),
        ("echo it#s {id}", Quotes::Bare),
        ("x 2>&1 | grep {id}", Quotes::Bare),
        ("sh -c 'echo \"$1\"' sh {id}", Quotes::Bare),
        ("awk -v id={id} '{print id}'", Quotes::Bare),
        ("psql -v id={id} -f x.sql", Quotes::Bare),
        ("psql \"${marks_url}\" -c \"select * from {marks}\"", Quotes::Double),
        ("X={id} env", Quotes::Bare),
        ("grep {id} 2>/dev/null", Quotes::Bare),
        ("x 2>&1 >/dev/null | grep \"{id}\" && grep {id}", Quotes::Bare),
        ("if grep {id} x; then date; fi", Quotes::Bare),
        ("timeout 5 grep {id}", Quotes::Bare),
        ("sudo -u postgres psql -v id={id}", Quotes::Bare),
        ("diff <(grep {id} a) b", Quotes::Bare),
        ("for x in {id}", Quotes::Bare),
    ] {
        let found = position(line);
        assert_eq!((found.quotes, found.hazard), (quotes, None), "{line}");
    }
    for (line, starts_word) in [
        ("grep {id}", true),
        ("grep '{id}'", true),
        ("grep \"{id}\"", true),
        ("grep ''{id}", true),
        ("grep x{id}", false),
        ("grep 'x{id}'", false),
        ("grep \"$(x)\"{id}", true),
        ("x={id}; grep \"$x\"", true),
        ("export x='{id}'", true),
        ("grep x={id}", false),
    ] {
        assert_eq!(position(line).starts_word, starts_word, "{line}");
    }
}

#[test]
fn finds_places_where_nothing_is_safe() {
    for (line, hazard) in [
        ("echo `grep {id}`", Hazard::Backticks),
        ("echo \"`grep '{id}'`\"", Hazard::Backticks),
        ("cat <<END\n{id}\nEND", Hazard::HereDocument),
        ("echo $((1 + {id}))", Hazard::Arithmetic),
        ("echo ${x:-{id} }", Hazard::Expansion),
        ("echo $'a{id}'", Hazard::AnsiQuotes),
        ("true # {id}", Hazard::Comment),
        ("{id} --version", Hazard::Program),
        ("true; {subject}", Hazard::Program),
        ("x | {subject}", Hazard::Program),
        ("sh -c 'echo {id}'", Hazard::Code),
        ("{docker} exec {container} bash -lc \"echo {id}\"", Hazard::Code),
        ("sh {id}", Hazard::Code),
        ("eval echo {id}", Hazard::Code),
        ("ssh host grep {id}", Hazard::Code),
        ("jq '.[] | select(.id == \"{id}\")'", Hazard::Code),
        ("awk '/{id}/'", Hazard::Code),
        ("/usr/bin/sed s/{id}/x/ | sed -e {id}", Hazard::Code),
        ("echo {id} | sh", Hazard::Code),
        ("echo {id} | docker exec -i db psql", Hazard::Code),
        ("echo {id} | sh; date", Hazard::Code),
        ("echo $(echo {id} | sh)", Hazard::Code),
        ("echo {id} | ssh host", Hazard::Code),
        ("sh <<< {id}", Hazard::Code),
        ("sh -c \"$(echo {id})\"", Hazard::Code),
        ("eval \"x $(basename '{id}')\"", Hazard::Code),
        ("trap 'echo {id}' EXIT", Hazard::Code),
        (". {id}", Hazard::Code),
        ("$(echo {id}) x", Hazard::Program),
        ("nohup {id}", Hazard::Program),
        ("sudo -u postgres {id}", Hazard::Program),
        ("timeout -s KILL 5 {id}", Hazard::Program),
        ("find . -exec {id} \\;", Hazard::Program),
        ("if {id}; then date; fi", Hazard::Program),
        ("! {id}", Hazard::Program),
        ("{docker} logs x > {id}", Hazard::Redirection),
        ("date 2>>\"{id}.log\"", Hazard::Redirection),
        ("date &>{id}", Hazard::Redirection),
        ("date >| '{id}'", Hazard::Redirection),
        ("cat < /tmp/{id}", Hazard::Redirection),
        ("psql --command=\"select {id}\"", Hazard::Sql),
        ("psql -c \"select 1 where n = {id}\"", Hazard::Sql),
        ("psql -c 'select 1 from \"{id}\"'", Hazard::Sql),
        ("{psql} -Atc {id}", Hazard::Sql),
        ("psql -c \"select 1 -- '{id}\"", Hazard::Sql),
    ] {
        assert_eq!(position(line).hazard, Some(hazard), "{line}");
    }
}
