//! Values in a team's own rows, in every part of a shell line.

use crate::payloads::{HARMLESS, PAYLOADS};
use crate::support::jail::Jail;
use crate::tally::{Tally, is_tried};
use pipeline_doctor::input::Source;
use pipeline_doctor::input::toml_document::Document;
use pipeline_doctor::printed_command::fill_template::{self, Replacement};
use pipeline_doctor::runbook::lint::placeholders;
use pipeline_doctor::text::template::Template;

/// Lines in which `@` is a value that can be quoted.
const ACCEPTED: [&str; 40] = [
    "grep @ x",
    "grep '@' x",
    "grep \"@\" x",
    "grep ''\"@\" x",
    "grep x@ y",
    "grep 'x@' y",
    "grep \"x@ y\"",
    "grep @@ x",
    "grep -e @ x",
    "grep -- @ x",
    "grep --label=@ x",
    "grep --label='@' x",
    "grep \"it's @\" x",
    "grep 'a\"b' @",
    "grep \\' @",
    "grep it#s @",
    "docker logs \"$(grep @ x)\"",
    "docker logs \"$(grep \"@\" x)\" '@'",
    "docker logs $(grep '@)' x)",
    "diff x y | grep @",
    "docker logs x 2>&1 | grep -c @ > workers.yml",
    "grep @ < marks.sql > workers.yml 2>/dev/null",
    "psql -v id=@ -f marks.sql",
    "psql -c \"select 1 where a = '@'\"",
    "psql -Atc 'select 1' -v \"a=@\"",
    "docker exec -i db psql -c \"select '@'\"",
    "sh -c 'grep \"$1\" x' sh @",
    "bash -c 'grep \"$1\" \"$2\"' bash @ \"@\"",
    "awk -v id=@ 'BEGIN { exit 0 }'",
    "jq --arg id @ .x",
    "curl -i http://localhost:1/x/@",
    "curl -H 'x: @' http://localhost:1/",
    "X=@ grep a b",
    "x=@; grep \"$x\" y",
    "for x in @; do grep \"$x\" y; done",
    "case @ in a) date;; esac",
    "if grep @ x; then date; else date; fi",
    "grep @ x && date || date",
    "(grep @ x); { grep @ y; }",
    "timeout 5 grep @ x",
];

/// Lines in which no value of `@` is safe.
const REFUSED: [&str; 43] = [
    "date > @",
    "date >> @",
    "date > '@'",
    "date > \"x/@\"",
    "date >| @",
    "date 2> @",
    "date &> @",
    "date >& @",
    "grep x < @",
    "{ date; } > @",
    "(date) > x@",
    "docker logs x > /var/log/@.log 2>&1",
    "echo `grep @ x`",
    "echo \"`grep '@' x`\"",
    "cat <<END\n@\nEND",
    "cat <<'END'\n@\nEND",
    "sh <<< @",
    "echo $((1 + @))",
    "echo ${x:-@ }",
    "echo $'@'",
    "date # @",
    "@ --version",
    "date; @",
    "date | @",
    "if @; then date; fi",
    "! @ x",
    "nohup @",
    "env X=y @",
    "sudo -u postgres @",
    "timeout 5 @",
    "sh -c 'grep @ x'",
    "sh -c \"grep \\\"$(basename @)\\\" x\"",
    "docker exec x sh -c \"grep @ x\"",
    "eval grep @ x",
    "ssh host grep @ x",
    "trap 'grep @ x' EXIT",
    ". @",
    "echo @ | sh",
    "echo @ | sh; date",
    "echo $(echo @ | sh)",
    "awk '/@/' x",
    "psql -c \"select @\"",
    "psql --command=\"select @\"",
];

/// Returns the mistakes in a row with this command.
fn mistakes(command: &str) -> Vec<String> {
    let text = format!(
        "[[check]]\nid = \"own\"\ntitle = \"{{subject}} is in the compose file\"\nstep = 1\nseverity = \"note\"\n\
         for_each = \"worker\"\nfact = \"compose.declared\"\nexpect = {{ is = \"declared\" }}\nby_hand = {}\n",
        toml::Value::from(command)
    );
    let source = Source { name: "own.toml".into(), text };
    let mut mistakes = Vec::new();
    placeholders::check(&Document::parse(&source).unwrap(), &mut mistakes);
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn lint_refuses_places_where_nothing_is_safe() {
    for line in REFUSED {
        let found = mistakes(&line.replace('@', "{subject}"));
        assert!(
            found.iter().any(|mistake| mistake.contains("a placeholder may not stand")),
            "{line}: {found:?}"
        );
        let template = Template::parse(&line.replace('@', "{subject}"));
        let printed = fill_template::command(&template, &|_| Replacement::Word(HARMLESS.to_string()));
        assert!(printed.starts_with("# not printed"), "{line}: {printed}");
    }
    for line in ACCEPTED {
        let found = mistakes(&line.replace('@', "{subject}"));
        assert!(found.is_empty(), "{line}: {found:?}");
    }
}

#[test]
fn values_in_own_rows_stay_data() {
    let (jail, tally) = (Jail::new(), Tally::default());
    type Fill = fn(String) -> Replacement;
    let kinds: [(&str, Fill); 3] =
        [("{subject}", Replacement::Word), ("{id}", Replacement::Id), ("{answered}", Replacement::Code)];
    let mut printed = 0;
    for line in ACCEPTED {
        for (number, (placeholder, replacement)) in kinds.into_iter().enumerate() {
            let template = Template::parse(&line.replace('@', placeholder));
            let filled = |value: &str| fill_template::command(&template, &|_| replacement(value.to_string()));
            let is_sql = placeholder == "{answered}";
            if template.hazards().count() > 0 {
                assert!(is_sql, "{line}");
                continue;
            }
            let harmless = filled(HARMLESS);
            assert!(harmless.contains(HARMLESS), "{line}: {harmless}");
            let deeds = jail.run("sh", &harmless);
            let arrived = deeds.calls.iter().flatten().any(|word| word.contains(HARMLESS));
            assert!(
                arrived || line.contains("awk") || line.contains("X=") || line.contains("case"),
                "{line}"
            );
            printed += 1;
            for (i, payload) in PAYLOADS.into_iter().enumerate() {
                if !is_tried(2 * number, 3 * i) {
                    continue;
                }
                let command = filled(payload);
                let run = tally.run(&jail, line, &command, payload, is_sql);
                let mut counts = tally.counts();
                counts.pairs += 1;
                counts.refused += usize::from(command.starts_with("# not printed"));
                counts.run += run;
            }
        }
    }
    println!(
        "own rows: {} lines accepted, {} refused, {printed} print a harmless name",
        ACCEPTED.len(),
        REFUSED.len()
    );
    tally.finish("own rows");
}
