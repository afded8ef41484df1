//! A live test that the program only reads, seen from the servers' side: a proxy in front of Docker,
//! PostgreSQL's statement log and Kafka's authorizer log, with the rights of `docs/security.md`.
//! Ignored by default, like all live tests.

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Run, Sandbox, doctor, kafka, root, shell};

/// A proxy in front of the Docker Engine that passes on nothing but GET and HEAD.
struct Proxy {
    socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(directory: &Path) -> Proxy {
        let socket = directory.join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || forward(client, &seen));
            }
        });
        Proxy { socket, requests }
    }

    fn flag(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

/// Passes on the requests of a connection, each of which has no body, and the answers.
fn forward(mut client: UnixStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut engine = UnixStream::connect("/var/run/docker.sock").ok()?;
    let (mut answers, mut to_client) = (engine.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut head = Vec::new();
    let mut byte = [0];
    while client.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let request = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_string();
        seen.lock().unwrap().push(request.clone());
        if !request.starts_with("GET ") && !request.starts_with("HEAD ") {
            let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            break;
        }
        engine.write_all(&head).ok()?;
        head.clear();
    }
    engine.shutdown(Shutdown::Both).ok()
}

/// Returns the requests as the documentation lists them: without a version, a name and a query.
fn endpoints(requests: &[String]) -> BTreeSet<String> {
    let endpoint = |request: &String| {
        let mut words = request.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let path = target.split('?').next()?;
        let mut parts: Vec<&str> = path.split('/').skip(1).collect();
        if parts.first().is_some_and(|part| part.starts_with("v1.")) {
            parts.remove(0);
        }
        match parts.as_mut_slice() {
            ["containers", id, _] => *id = "{id}",
            // The name of an image may contain slashes.
            ["images", name @ .., "json"] => {
                name[0] = "{name}";
                parts = vec!["images", "{name}", "json"];
            }
            _ => {}
        }
        Some(format!("{method} /{}", parts.join("/")))
    };
    requests.iter().filter_map(endpoint).collect()
}

/// Runs SQL as the database's administrator.
fn administrator(statements: &str) -> String {
    shell(&format!(
        "docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U postgres -d kodingcaravan -At \
         <<'SQL'\n{statements}\nSQL"
    ))
}

/// Returns a code block of `docs/security.md`.
fn documented(after: &str, language: &str) -> String {
    let document = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let (_, rest) = document.split_once(after).unwrap_or_else(|| panic!("no `{after}` in docs/security.md"));
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect("a code block");
    rest.split_once("```").expect("the end of the code block").0.to_string()
}

/// Returns the first words of the statements that the role ran, from the server's log.
fn statements(log: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = log.lines().collect();
    let statement = |(number, line): (usize, &&str)| {
        let (_, rest) = line.split_once("LOG:  ")?;
        let (kind, statement) = rest.split_once(':')?;
        // A statement may begin with a line feed.
        let next = lines.get(number + 1).copied().unwrap_or_default();
        let statement = if statement.trim().is_empty() { next } else { statement };
        let is_statement = kind == "statement" || kind.starts_with("execute ");
        let words: Vec<String> = statement.split_whitespace().take(2).map(str::to_lowercase).collect();
        let first = words.first()?.trim_end_matches(';').to_string();
        is_statement.then_some(match first.as_str() {
            "set" | "rollback" => words.join(" ").trim_end_matches(';').to_string(),
            _ => first,
        })
    };
    lines.iter().enumerate().filter_map(statement).collect()
}

/// An operation that Kafka's authorizer allowed or denied: operation, type of resource, request.
fn operations(log: &str, host: &str) -> BTreeSet<(bool, String)> {
    let word_after = |line: &str, before: &str| {
        let (_, rest) = line.split_once(before)?;
        Some(rest.split([' ', ':']).next()?.to_string())
    };
    let operation = |line: &str| {
        let is_allowed = line.contains(" is Allowed ");
        if !line.contains(&format!(" from host = {host} ")) || !(is_allowed || line.contains(" is Denied ")) {
            return None;
        }
        let operation = word_after(line, "operation = ")?;
        let (resource, request) = (word_after(line, "resource = ")?, word_after(line, "for request = ")?);
        Some((is_allowed, format!("{request}: {operation} {resource}")))
    };
    log.lines().filter_map(operation).collect()
}

/// Returns what a client of Kafka could have changed.
fn kafka_state() -> String {
    let topics = kafka("kafka-topics", "--describe");
    let offsets = kafka("kafka-consumer-groups", "--all-groups --describe --offsets");
    // Groups, partitions, committed offsets and ends, without the members.
    let offsets: BTreeSet<String> = offsets
        .lines()
        .map(|line| line.split_whitespace().take(5).collect::<Vec<&str>>().join(" "))
        .collect();
    format!("{topics}\n{offsets:#?}")
}

/// Waits until two looks at Kafka are the same, because the workers commit a little later.
fn settled_kafka_state() -> String {
    let start = Instant::now();
    let mut before = kafka_state();
    loop {
        let now = kafka_state();
        if now == before {
            return now;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "Kafka does not settle");
        before = now;
    }
}

#[test]
#[ignore = "needs the sandbox"]
fn the_servers_see_nothing_but_reads() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    let directory = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(directory.path());

    administrator(&documented("### PostgreSQL", "sql").replace("shop", "kodingcaravan"));
    administrator(
        "alter role pipeline_doctor password 'sandbox-only'; alter role pipeline_doctor set log_statement = 'all'",
    );
    // Where the program's connections come from, for the broker.
    let host = shell(
        "docker inspect kodingcaravan-kafka --format '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}'",
    );
    restrict_kafka(&host);
    let before = settled_kafka_state();
    let since = shell("date -u +%Y-%m-%dT%H:%M:%S.%NZ");

    let postgres = "postgres://pipeline_doctor:sandbox-only@localhost:5432/kodingcaravan";
    let run = |arguments: &[&str]| -> Run {
        let flags = ["--docker", &proxy.flag(), "--postgres", postgres].map(String::from);
        flags.iter().fold(doctor(arguments), |run, flag| run.arg(flag)).current_dir(directory.path())
    };
    let report = run(&[&id, "--json"]).finish().code(0);
    assert_eq!(report.json()["outcome"], "healthy", "{}", report.stdout);
    run(&["trace", &id, "--json", "--payload"]).finish().code(0);
    run(&["trace", "--stuck"]).finish().code(0);
    run(&["explain", "workers-not-deployed", "--records"]).finish().code(0);
    run(&["lint"]).finish().code(0);
    let draft = run(&["init", "--stdout"]).finish().code(0);
    assert!(draft.stdout.contains("purchase-created"), "{}", draft.stderr);

    let requests = proxy.requests.lock().unwrap().clone();
    let seen = endpoints(&requests);
    let expected = documented("Docker Engine saw", "text");
    let expected: BTreeSet<String> = expected.lines().map(String::from).collect();
    assert_eq!(seen, expected, "docs/security.md lists other requests to Docker");

    let log = |container: &str| shell(&format!("docker logs --since {since} {container} 2>&1"));
    let log_of_postgres = log("kodingcaravan-postgres");
    let seen = statements(&log_of_postgres);
    let expected = documented("PostgreSQL saw", "text");
    let expected: BTreeSet<String> = expected.lines().map(String::from).collect();
    assert_eq!(seen, expected, "docs/security.md lists other statements");
    let begun = log_of_postgres.lines().filter(|line| line.contains("statement: begin "));
    let (read_only, others): (Vec<&str>, Vec<&str>) =
        begun.partition(|line| line.ends_with("begin isolation level repeatable read read only;"));
    assert!(!read_only.is_empty() && others.is_empty(), "{others:?}");

    let seen = operations(&log("kodingcaravan-kafka"), &host);
    let denied: Vec<&String> = seen.iter().filter(|(allowed, _)| !allowed).map(|(_, line)| line).collect();
    assert!(denied.is_empty(), "denied with the documented rights: {denied:?}");
    let seen: BTreeSet<String> = seen.into_iter().map(|(_, line)| line).collect();
    let expected = documented("Kafka saw", "text");
    let expected: BTreeSet<String> = expected.lines().map(String::from).collect();
    assert_eq!(seen, expected, "docs/security.md lists other requests to Kafka");

    assert_eq!(settled_kafka_state(), before, "topics, groups or offsets changed");
}

/// Gives the program's host the documented rights, and lets the broker log what it is asked. The
/// sandbox has no logins, so hosts take the place of users: everyone may do everything, but from
/// this host everything is denied that is not documented.
fn restrict_kafka(host: &str) {
    let everyone = "--allow-principal User:ANONYMOUS --allow-host '*' --operation All";
    let denied = format!("--deny-principal User:ANONYMOUS --deny-host {host}");
    let writes = ["Write", "Create", "Delete", "Alter", "AlterConfigs"];
    let writes = writes.map(|operation| format!("--operation {operation}")).join(" ");
    let acls = [
        format!("{everyone} --topic '*' --group '*' --cluster --transactional-id '*'"),
        format!("{denied} {writes} --topic '*'"),
        format!("{denied} --operation Read --operation Delete --group '*'"),
        format!(
            "{denied} --operation Create --operation Alter --operation AlterConfigs \
             --operation ClusterAction --operation IdempotentWrite --cluster"
        ),
        format!("{denied} --operation Write --transactional-id '*'"),
    ];
    for acl in acls {
        kafka("kafka-acls", &format!("--add {acl}"));
    }
    let logger =
        "--alter --entity-type broker-loggers --entity-name 1 --add-config kafka.authorizer.logger=DEBUG";
    kafka("kafka-configs", logger);
}
