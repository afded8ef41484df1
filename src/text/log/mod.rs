//! Log records of any logger: their level, time, message and chain of errors.

mod error_chain;
mod escapes;
mod fast_path;
mod header;
mod json;
mod level;
mod logfmt;
mod record;
mod success;
mod time;

pub use error_chain::shortened;
pub use escapes::strip_escapes;
pub use header::{begins_error, begins_record, takes_lines};
pub use level::Level;
pub use record::LogRecord;
pub use success::SUCCESS_WORDS;

use jiff::Timestamp;

impl LogRecord {
    /// Reads a record, which may span several lines. Its text has no escape sequences.
    pub fn parse(text: &str) -> LogRecord {
        let text = text.trim_end();
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let mut record =
            json::parse(first).or_else(|| logfmt::parse(first)).unwrap_or_else(|| header::parse(first));
        if record.errors.is_empty() {
            record.errors.push(record.message.clone());
        }
        error_chain::add(rest, &mut record.errors);
        record
    }
}

/// Returns only the level of a record. Much faster than to parse the whole record.
pub fn level_of(text: &str) -> Option<Level> {
    let first = text.split_once('\n').map_or(text, |(first, _)| first);
    fast_path::level(first).unwrap_or_else(|| match first.starts_with('{') {
        true => LogRecord::parse(first).level,
        false => logfmt::level(first).or_else(|| header::level_of(first)),
    })
}

/// Returns only the time of a record. Much faster than to parse the whole record.
pub fn time_of(text: &str) -> Option<Timestamp> {
    fast_path::time(text).or_else(|| LogRecord::parse(text).time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of many loggers, with their level and message.
    const LINES: &[(&str, Option<Level>, &str)] = &[
        (
            "2026-11-10T11:05:00.481Z ERROR 1 --- [orders] [ main] c.a.Worker    : no row",
            Some(Level::Error),
            "no row",
        ),
        (
            "2026-11-25 13:20:15,628 [worker-1] WARN  o.a.k.ClientUtils - no host",
            Some(Level::Warn),
            "no host",
        ),
        (
            "2026-11-06 20:38:58,887 WARN  [io.agroal.pool] (agroal-11) no login",
            Some(Level::Warn),
            "no login",
        ),
        ("[2026-11-15 05:05:02,961] ERROR no disk (o.a.k.Log)", Some(Level::Error), "no disk (o.a.k.Log)"),
        (
            "[2026-11-06 01:18:00,341] [ERROR] [akka.actor.X] [d-5] [akka://f] - empty",
            Some(Level::Error),
            "empty",
        ),
        ("[2026-11-17 01:15:40,866: ERROR/ForkPoolWorker-2] Task failed", Some(Level::Error), "Task failed"),
        ("2026-11-17 12:05:24,036 - parcels.consumer - ERROR - no row", Some(Level::Error), "no row"),
        ("ERROR:worker:no row", Some(Level::Error), "worker:no row"),
        ("16:24:52.595 [error] no row", Some(Level::Error), "no row"),
        (
            "2026/11/25 13:36:20 [error] 29#29: *412 connect() failed",
            Some(Level::Error),
            "29#29: *412 connect() failed",
        ),
        ("E1111 23:06:22.779567       1 consumer.go:72] no row", Some(Level::Error), "no row"),
        ("[2026-11-16 03:16:54] production.ERROR: no row", Some(Level::Error), "no row"),
        ("[2026-11-19T10:13:03Z ERROR orders::worker] no row", Some(Level::Error), "no row"),
        ("2026-11-07T17:00:57.671614Z ERROR orders_worker::assign: no row", Some(Level::Error), "no row"),
        (
            "2026-11-20T13:19:31.380+0000\tERROR\tconsumer/loop.go:61\tno row\t{\"id\": 1}",
            Some(Level::Error),
            "no row\t{\"id\": 1}",
        ),
        ("2026-11-08 02:36:31.068 | WARNING  | worker:handle:43 - no row", Some(Level::Warn), "no row"),
        ("2026-11-22 00:37:56.3255|ERROR|Contoso.Poster|no row", Some(Level::Error), "no row"),
        ("[15:04:30 ERR] no row", Some(Level::Error), "no row"),
        ("fail: Acme.Orders.Worker[0]", Some(Level::Error), "Acme.Orders.Worker[0]"),
        ("E, [2026-11-23T13:38:09.834235 #1] ERROR -- : no row", Some(Level::Error), "no row"),
        ("2026-11-07 12:02:39.028 UTC [70] ERROR:  no row", Some(Level::Error), "ERROR:  no row"),
        (
            "%3|1794442032.675|FAIL|pricing#producer-1| [thrd:kafka]: no login",
            Some(Level::Error),
            "[thrd:kafka]: no login",
        ),
        ("[main] ERROR com.acme.Store - no row", Some(Level::Error), "no row"),
        (
            "[Nest] 1  - 11/23/2026, 1:01:11 AM   ERROR [TypeOrm] no row",
            Some(Level::Error),
            "[TypeOrm] no row",
        ),
        ("7:02AM ERR commit failed refund=1", Some(Level::Error), "commit failed refund=1"),
        ("[2026-01-07 16:55:09] error: [Worker] no row", Some(Level::Error), "[Worker] no row"),
        ("<11>1 2026-11-10T11:05:00Z host app 7 - - no row", Some(Level::Error), "no row"),
        ("Nov 10 11:05:00 host app[7]: ERROR no row", Some(Level::Error), "no row"),
        ("PHP Fatal error:  Uncaught Error: x", Some(Level::Error), "PHP Fatal error:  Uncaught Error: x"),
        ("2026/11/13 01:17:14 stored id=7", None, "stored id=7"),
        ("information is power", None, "information is power"),
        ("Error: connect ECONNREFUSED", None, "Error: connect ECONNREFUSED"),
        ("{\"level\":50,\"msg\":\"no row\"}", Some(Level::Error), "no row"),
        ("{\"@t\":\"2026-11-13T01:27:32Z\",\"@mt\":\"started\"}", Some(Level::Info), "started"),
        ("time=\"2026-11-24T18:18:40Z\" level=error msg=\"no row\" id=7", Some(Level::Error), "no row"),
    ];

    #[test]
    fn reads_the_level_and_message_of_many_loggers() {
        for (line, level, message) in LINES.iter().copied() {
            let record = LogRecord::parse(line);
            assert_eq!((record.level, record.message.as_str()), (level, message), "{line}");
            assert_eq!(level_of(line), level, "{line}");
        }
    }

    #[test]
    fn the_root_of_a_chain_comes_last() {
        for (text, root) in [
            (
                "2026-11-10T11:05:00.481Z ERROR 1 --- [x] [y] z : failed\njava.lang.RuntimeException: a\n\tat A.b(A.java:1)\nCaused by: java.net.ConnectException: b\n\tat C.d(C.java:2)\n\t... 3 more",
                "java.net.ConnectException: b",
            ),
            (
                "2026-11-10 11:05:00,481 ERROR worker failed\nTraceback (most recent call last):\n  File \"/a.py\", line 1, in b\n    c()\nOSError: root\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/a.py\", line 2, in d\nValueError: outer",
                "OSError: root",
            ),
            (
                "fail: Acme.Worker[0]\n      System.Exception: a\n       ---> System.Net.SocketException: b\n         at X.Y()\n         --- End of inner exception stack trace ---\n         at Z.W()",
                "System.Net.SocketException: b",
            ),
            (
                "Error: failed to start\n\nCaused by:\n    0: cannot connect\n    1: connection refused",
                "connection refused",
            ),
            (
                "Error: outer\n    at f (/a.js:1:2) {\n  [cause]: Error: inner\n      at g (/b.js:1:2)\n}",
                "Error: inner",
            ),
            (
                r#"{"level":"error","msg":"m","err":{"type":"A","message":"a","cause":{"type":"B","message":"b","code":"E1"}}}"#,
                "B: b (code E1)",
            ),
        ] {
            let errors = LogRecord::parse(text).errors;
            assert_eq!(errors.last().map(String::as_str), Some(root), "{errors:#?}");
        }
    }
}
