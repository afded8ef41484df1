//! Secrets on command lines: `--password x`, `mysql -px`, `curl -u user:x`.

use super::context::{is_quote, quote_at};
use super::found::Found;
use super::keys::{Kind, classify};
use super::lines::lines;
use super::values::is_secret;
use aho_corasick::AhoCorasick;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// What follows an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// A password, in the next word.
    Password,
    /// A password, in the same word.
    Attached,
    /// `user:password` or `user%password`.
    UserAndPassword,
}

/// Options whose meaning depends on the program.
const OPTIONS: &[(&[&str], &str, Takes)] = &[
    (
        &[
            "sshpass",
            "docker",
            "podman",
            "nerdctl",
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
            "mongoexport",
            "mongoimport",
            "cqlsh",
            "nodetool",
            "rabbitmqadmin",
            "helm",
            "oc",
            "az",
            "skopeo",
            "buildah",
            "ipmitool",
            "clickhouse",
        ],
        "-p",
        Takes::Password,
    ),
    (
        &[
            "sshpass",
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "7z",
            "7za",
        ],
        "-p",
        Takes::Attached,
    ),
    (
        &[
            "sqlcmd",
            "bcp",
            "osql",
            "isql",
            "unzip",
            "zip",
            "mosquitto_pub",
            "mosquitto_sub",
            "ipmitool",
            "nmcli",
        ],
        "-P",
        Takes::Password,
    ),
    (&["redis-cli", "valkey-cli", "ipmitool"], "-a", Takes::Password),
    (
        &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldappasswd"],
        "-w",
        Takes::Password,
    ),
    (&["curl", "http", "https", "wget", "xh", "ab"], "-u", Takes::UserAndPassword),
    (&["curl", "wget", "elasticdump", "etcdctl"], "--user", Takes::UserAndPassword),
    (&["curl"], "-U", Takes::UserAndPassword),
    (&["curl"], "--proxy-user", Takes::UserAndPassword),
    (&["http", "https", "xh", "httpie"], "-a", Takes::UserAndPassword),
    (&["ab"], "-A", Takes::UserAndPassword),
    (&["smbclient", "rpcclient", "smbget"], "-U", Takes::UserAndPassword),
    (&["ssh-keygen"], "-N", Takes::Password),
    (&["ssh-keygen"], "-P", Takes::Password),
    (&["openssl"], "-k", Takes::Password),
    (&["openssl"], "-K", Takes::Password),
    (&["wget"], "--http-password", Takes::Password),
    (&["influx"], "-t", Takes::Password),
    (&["argocd", "vault", "gh"], "--auth", Takes::Password),
];

/// Programs and their subcommands after which the secret is the word with this number.
const POSITIONS: &[(&str, &str, usize)] = &[
    ("rabbitmqctl", "add_user", 2),
    ("rabbitmqctl", "change_password", 2),
    ("rabbitmqctl", "authenticate_user", 2),
    ("mysqladmin", "password", 1),
    ("vault", "login", 1),
    ("htpasswd", "-b", 3),
    ("htpasswd", "-nb", 2),
    ("htpasswd", "-bc", 3),
    ("mc", "set", 4),
    ("mc", "add", 4),
];

/// Longest word in quotes, in bytes.
const MAX_WORD: usize = 2_000;

/// A word of a command line, without its quotes.
struct Word<'a> {
    range: Range<usize>,
    text: &'a str,
    /// Whether a command begins after this word: `&&`, `;`, `|`.
    ends_command: bool,
}

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    for line in lines(text) {
        if !may_be_command(&text[line.clone()]) {
            continue;
        }
        let words = words(text, line);
        let mut programs: Vec<&str> = Vec::new();
        for (number, word) in words.iter().enumerate() {
            option(&words, number, &programs, found);
            positions(&words, number, &programs, found);
            oracle_login(word, &programs, found);
            let name = word.text.rsplit('/').next().unwrap_or_default();
            let is_known = OPTIONS.iter().any(|(names, ..)| names.contains(&name))
                || POSITIONS.iter().any(|(program, ..)| *program == name)
                || ORACLE.contains(&name);
            if is_known && !programs.contains(&name) {
                programs.push(name);
            }
            if word.ends_command {
                programs.clear();
            }
        }
    }
}

/// The programs of [`OPTIONS`].
static WITH_OPTIONS: LazyLock<AhoCorasick> =
    LazyLock::new(|| searcher(OPTIONS.iter().flat_map(|(names, ..)| names.iter().copied())));

/// The programs of [`POSITIONS`] and [`ORACLE`].
static WITH_POSITIONS: LazyLock<AhoCorasick> =
    LazyLock::new(|| searcher(POSITIONS.iter().map(|(program, ..)| *program).chain(ORACLE)));

fn searcher<'a>(programs: impl Iterator<Item = &'a str>) -> AhoCorasick {
    AhoCorasick::new(programs.collect::<BTreeSet<&str>>()).expect("a few constant words")
}

/// Reports whether a line may be a command with a secret: it has an option that is named like one, or
/// names a program that takes one. Most lines are none, and this is much faster than to read their words.
fn may_be_command(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let names_any = |programs: &AhoCorasick| {
        let is_word = |start: usize, end: usize| {
            let begins = start.checked_sub(1).is_none_or(|before| !is_letter(before));
            begins && !is_letter(end)
        };
        programs.find_overlapping_iter(line).any(|program| is_word(program.start(), program.end()))
    };
    let is_begun = |at: usize| at == 0 || b" \t\"'`[,(".contains(&bytes[at - 1]);
    let options = memchr::memchr_iter(b'-', bytes)
        .filter(|at| is_begun(*at) && (is_letter(at + 1) || bytes.get(at + 1) == Some(&b'-')));
    let mut has_option = false;
    for at in options {
        has_option = true;
        let name = line[at..].trim_start_matches('-');
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte);
        let length = name.bytes().take_while(is_name).count();
        let is_secret = ["pass", "from-literal"].iter().any(|known| name.starts_with(known));
        if is_secret || classify(&name[..length]).is_some() {
            return true;
        }
    }
    has_option && names_any(&WITH_OPTIONS) || names_any(&WITH_POSITIONS)
}

/// Splits a line at spaces and, for lists of words in JSON, at commas and brackets.
fn words(text: &str, line: Range<usize>) -> Vec<Word<'_>> {
    let bytes = &text.as_bytes()[..line.end];
    let mut words = Vec::new();
    let mut at = line.start;
    let is_separator = |byte: u8| byte.is_ascii_whitespace() || b"[],()".contains(&byte);
    while at < bytes.len() {
        if is_separator(bytes[at]) {
            at += 1;
            continue;
        }
        if let Some((quote, start)) = quote_at(bytes, at)
            && let Some(end) = quote.closes(&bytes[..bytes.len().min(start + MAX_WORD)], start)
            && (follows_option(words.last()) || !text[start..end].contains(' '))
        {
            words.push(Word { range: start..end, text: &text[start..end], ends_command: false });
            at = end + quote.backslashes + 1;
            continue;
        }
        // A quote in front of a whole command is not a part of its first word.
        at += quote_at(bytes, at).map_or(0, |(quote, _)| quote.backslashes + 1);
        let start = at;
        let mut quote = None;
        while at < bytes.len() {
            let byte = bytes[at];
            match quote {
                Some(open) if byte == open => quote = None,
                Some(_) => {}
                None if is_quote(byte)
                    && at > start
                    && bytes[at - 1] != b'\\'
                    && bytes[at + 1..].contains(&byte)
                    && (bytes[at - 1] == b'=' || bytes[at - 1] == b'p' || bytes[start] == b'-') =>
                {
                    quote = Some(byte)
                }
                None if byte.is_ascii_whitespace()
                    || is_quote(byte)
                    || byte == b',' && at + 1 == bytes.len() =>
                {
                    break;
                }
                None => {}
            }
            at += 1;
        }
        let word = text[start..at].trim_end_matches(['\\', ',', ']', ')']);
        let ends_command = ["&&", "||", "|", ";"].contains(&word) || word.ends_with(';');
        words.push(Word { range: start..start + word.len(), text: word, ends_command });
        at = at.max(start + 1);
    }
    words
}

/// Reports whether a word is an option that takes a text, but no command.
fn follows_option(word: Option<&Word<'_>>) -> bool {
    word.is_some_and(|word| {
        word.text.starts_with('-') && !["-c", "-e", "-ec", "-lc", "-H", "-d"].contains(&word.text)
    })
}

/// Masks what the option with this number takes.
fn option(words: &[Word<'_>], number: usize, programs: &[&str], found: &mut Vec<Found>) {
    let word = &words[number];
    if !word.text.starts_with('-') || word.text.len() < 2 {
        return;
    }
    let next = words.get(number + 1);
    option_of_program(&words[..number], word, next, programs, found);
    named_option(word, next, found);
    if ["-passin", "-passout", "-pass"].contains(&word.text)
        && let Some((next, value)) = next.and_then(|next| Some((next, next.text.strip_prefix("pass:")?)))
    {
        found.push(end_of(next, value));
    }
    let literal = word.text.strip_prefix("--from-literal").map(|rest| rest.trim_start_matches('='));
    if let Some((_, value)) = literal.and_then(|literal| literal.split_once('=')) {
        found.push(end_of(word, value));
    }
}

/// Returns the place of the text at the end of a word.
fn end_of(word: &Word<'_>, text: &str) -> Found {
    Found::new(word.range.end - text.len()..word.range.end)
}

/// Masks what an option takes that only some programs have.
fn option_of_program(
    before: &[Word<'_>],
    word: &Word<'_>,
    next: Option<&Word<'_>>,
    programs: &[&str],
    found: &mut Vec<Found>,
) {
    for (names, option, takes) in OPTIONS {
        if !programs.iter().any(|program| names.contains(program)) {
            continue;
        }
        match (takes, word.text.strip_prefix(option)) {
            (Takes::Attached, Some(password)) if is_secret(Kind::Password, password) => {
                found.push(end_of(word, password));
            }
            (Takes::Password, Some("")) if may_take_password(before, programs) => password(next, found),
            (Takes::UserAndPassword, Some("")) => user_and_password(next, found),
            (Takes::UserAndPassword, Some(attached)) if option.len() == 2 || attached.starts_with('=') => {
                let text = attached.trim_start_matches('=');
                let range = end_of(word, text).range;
                user_and_password(Some(&Word { range, text, ends_command: false }), found);
            }
            _ => {}
        }
    }
}

/// Masks what follows an option that is named like a secret: `--password x`.
fn named_option(word: &Word<'_>, next: Option<&Word<'_>>, found: &mut Vec<Found>) {
    let name = word.text.trim_start_matches('-');
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    let Some(kind) = classify(name).filter(|kind| is_name && *kind != Kind::Mention) else { return };
    let kind = if kind == Kind::Weak && word.text.starts_with("--") { Kind::Token } else { kind };
    let next = next.filter(|next| !next.text.starts_with("--") && is_secret(kind, next.text));
    found.extend(next.map(|next| end_of(next, next.text.strip_prefix("pass:").unwrap_or(next.text))));
}

/// Reports whether `-p` takes a password: `docker login -p x`, but not `docker run -p 8080:80`.
fn may_take_password(before: &[Word<'_>], programs: &[&str]) -> bool {
    let only_login = ["docker", "podman", "nerdctl", "helm", "oc", "az", "skopeo", "buildah"];
    !programs.iter().all(|program| only_login.contains(program))
        || before.iter().any(|word| word.text == "login")
}

fn password(next: Option<&Word<'_>>, found: &mut Vec<Found>) {
    let next = next.filter(|next| is_secret(Kind::Password, next.text));
    found.extend(next.map(|next| Found::new(next.range.clone())));
}

fn user_and_password(next: Option<&Word<'_>>, found: &mut Vec<Found>) {
    let Some(next) = next else { return };
    let Some((user, password)) = next.text.split_once([':', '%']) else { return };
    let is_id =
        password.bytes().all(|byte| byte.is_ascii_digit()) && user.bytes().all(|byte| byte.is_ascii_digit());
    if !password.is_empty() && !is_id && is_secret(Kind::Password, password) {
        found.push(Found::new(next.range.end - password.len()..next.range.end));
    }
}

/// Programs that take `user/password@database`.
const ORACLE: [&str; 7] = ["sqlplus", "exp", "imp", "expdp", "impdp", "rman", "sqlldr"];

/// Masks the password in `sqlplus user/password@database`.
fn oracle_login(word: &Word<'_>, programs: &[&str], found: &mut Vec<Found>) {
    if !programs.iter().any(|program| ORACLE.contains(program)) {
        return;
    }
    let Some((user, rest)) = word.text.split_once('/') else { return };
    let end = rest.rfind('@').unwrap_or(rest.len());
    if !user.is_empty() && !user.contains(['=', '.']) && is_secret(Kind::Password, &rest[..end]) {
        let start = word.range.start + user.len() + 1;
        found.push(Found::new(start..start + end));
    }
}

/// Masks the words that are secret because of their place after a subcommand.
fn positions(words: &[Word<'_>], number: usize, programs: &[&str], found: &mut Vec<Found>) {
    for (program, subcommand, offset) in POSITIONS {
        if programs.contains(program) && words[number].text == *subcommand {
            let value = words.get(number + offset).filter(|word| is_secret(Kind::Password, word.text));
            found.extend(value.map(|word| Found::new(word.range.clone())));
        }
    }
}
