//! Log records in the format of the reference deployment: coloured, the level
//! and the message on one line, the metadata on the next; errors on stderr.

use std::io::Write;

use serde_json::Value;

use crate::clock;

pub fn info(message: &str, meta: Value) {
    write(&mut std::io::stdout(), "\u{1b}[32minfo\u{1b}[39m", message, &meta);
}

pub fn warn(message: &str, meta: Value) {
    write(&mut std::io::stdout(), "\u{1b}[33mwarn\u{1b}[39m", message, &meta);
}

pub fn error(message: &str, meta: Value) {
    write(&mut std::io::stderr(), "\u{1b}[31merror\u{1b}[39m", message, &meta);
}

/// One write a record, so that records of two threads do not mix.
fn write(stream: &mut dyn Write, level: &str, message: &str, meta: &Value) {
    let now = clock::now().strftime("%Y-%m-%d %H:%M:%S");
    let mut record = format!("[{now}] {level}: {message}\n");
    if meta.as_object().is_some_and(|fields| !fields.is_empty()) {
        record.push_str(&format!("  Meta: {meta}\n"));
    }
    // Nobody is left to be told that the log is closed.
    let _ = stream.write_all(record.as_bytes()).and_then(|()| stream.flush());
}
