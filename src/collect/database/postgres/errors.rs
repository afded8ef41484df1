//! Converts driver errors to reasons for the report.

use crate::base::secret::redact;
use crate::collect::database::postgres::message_guard::{Fault, MAX_ANSWER_MB, MAX_MESSAGES, Traffic};
use crate::collect::database::postgres::transport::Failure;
use crate::collect::error_chain::error_chain;
use crate::collect::no_answer;
use crate::collect::own_limit::own_limit;
use crate::collect::tls::tls_reason;
use crate::evidence::{Reason, ReasonKind};
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

/// Explains why connecting to `server` (`host:port`) failed after `waited`.
pub fn connection_error(failure: &Failure, server: &str, waited: Duration) -> Reason {
    let (error, traffic) = match failure {
        Failure::Socket(error) => return io_error(error, server, waited),
        Failure::Role(what) => return Reason::new(ReasonKind::Failed, format!("{server} {what}")),
        Failure::Driver(error, traffic) => (error, traffic),
    };
    if let Some(error) = error.as_db_error() {
        return rejected_by_server(error, server);
    }
    if let Some(fault) = traffic.fault() {
        return fault_reason(fault, server);
    }
    if is_tls_error(error) {
        return tls_error(error, server);
    }
    if let Some(io) = io_source(error) {
        return io_error(io, server, waited);
    }
    let reason = cause_message(error);
    if reason.contains("password missing") {
        // The services may have the password; only this configuration lacks it.
        let message =
            format!("{server} requires a password, but the address has none (--postgres, POSTGRES_URL)");
        return Reason::new(ReasonKind::NotConfigured, message);
    }
    if error.is_closed() {
        return Reason::new(ReasonKind::Refused, closed(server));
    }
    Reason::new(ReasonKind::Failed, format!("{server}: {reason}"))
}

fn closed(server: &str) -> String {
    format!("{server} closed the connection without an answer")
}

fn fault_reason(fault: Fault, server: &str) -> Reason {
    let (kind, what) = match fault {
        Fault::NotPostgres => (ReasonKind::Failed, "answered, but not as PostgreSQL".to_string()),
        Fault::Tls => {
            let what = "answered with TLS before it was asked for; PostgreSQL does so only with sslnegotiation=direct";
            (ReasonKind::Failed, what.to_string())
        }
        Fault::TooLong(size) => {
            let what =
                format!("answered with a message of {size} bytes, more than the bound of {MAX_ANSWER_MB} MB");
            (ReasonKind::Limit, what)
        }
        Fault::TooMuch => {
            let what = format!(
                "answered with more than {MAX_MESSAGES} messages or {MAX_ANSWER_MB} MB, the bounds for one statement"
            );
            (ReasonKind::Limit, what)
        }
        Fault::Cut => (ReasonKind::Refused, "cut the connection in the middle of an answer".to_string()),
    };
    Reason::new(kind, format!("{server} {what}"))
}

/// Reports whether the TLS handshake failed.
pub fn is_tls_error(error: &Error) -> bool {
    // The driver exposes an error's kind only in its message.
    error.to_string() == "error performing TLS handshake"
}

/// Explains why `subject` (a table or a stage) could not be read.
pub fn query_error(error: &Error, traffic: &Traffic, subject: &str) -> Reason {
    let Some(db_error) = error.as_db_error() else {
        let disconnected = error.is_closed() || io_source(error).is_some();
        return match traffic.fault() {
            Some(fault) => fault_reason(fault, "the server"),
            None if disconnected => Reason::new(ReasonKind::Refused, "the server closed the connection"),
            None => Reason::new(ReasonKind::Failed, format!("{subject}: {}", cause_message(error))),
        };
    };
    let code = db_error.code().code();
    let kind = match code {
        "42P01" | "42703" | "3F000" => ReasonKind::Schema,
        // Includes row security, which with row_security = off raises an error instead of
        // hiding rows.
        "42501" => ReasonKind::Permission,
        "55P03" | "57014" => ReasonKind::Limit,
        "57P01" | "57P02" | "57P03" => ReasonKind::Refused,
        _ => ReasonKind::Failed,
    };
    let message = redact(db_error.message());
    let message = match code {
        "55P03" => format!("{subject}: locked by another session (lock timeout)"),
        "57014" => format!("{subject}: took too long (statement timeout)"),
        _ => match db_error.hint() {
            // For example, "Perhaps you meant to reference the column …".
            Some(hint) if code == "42703" => format!("{subject}: {message}. {}", redact(hint)),
            _ => format!("{subject}: {message}"),
        },
    };
    Reason::new(kind, message).code(code)
}

fn rejected_by_server(error: &DbError, server: &str) -> Reason {
    let code = error.code().code();
    let says = |words| error.message().contains(words);
    let kind = match code {
        // PgBouncer uses one code for all errors.
        "08P01" if says("authentication failed") || says("no such user") => ReasonKind::Auth,
        "08P01" if says("does not exist") || says("no such database") => ReasonKind::Missing,
        "28P01" | "28000" => ReasonKind::Auth,
        "3D000" => ReasonKind::Missing,
        "42501" => ReasonKind::Permission,
        "57P01" | "57P02" | "57P03" => ReasonKind::Refused,
        _ => ReasonKind::Failed,
    };
    let detail = error.detail().filter(|_| code == "42501");
    let detail = detail.map_or_else(String::new, |detail| format!(". {}", redact(detail)));
    Reason::new(kind, format!("{server}: {}{detail}", redact(error.message()))).code(code)
}

fn tls_error(error: &Error, server: &str) -> Reason {
    let reason = cause_message(error);
    if reason.contains("does not support TLS") {
        let message = format!("{server} does not support TLS, but the address requires it");
        return Reason::new(ReasonKind::Failed, message);
    }
    let in_tls = error_chain(error).into_iter().find_map(|error| error.downcast_ref::<rustls::Error>());
    match in_tls {
        // PostgreSQL agreed to TLS before, so a server that then speaks something else is none.
        Some(rustls::Error::InvalidMessage(_)) => fault_reason(Fault::NotPostgres, server),
        Some(in_tls) => tls_reason(in_tls, server),
        None if reason.contains("handshake eof") => {
            let message = format!("{server} closed the connection during the TLS handshake");
            Reason::new(ReasonKind::Refused, message)
        }
        None => Reason::new(ReasonKind::Failed, format!("TLS connection to {server} failed: {reason}")),
    }
}

fn io_error(error: &io::Error, server: &str, waited: Duration) -> Reason {
    if let Some(limit) = own_limit(error) {
        return limit;
    }
    let (kind, message) = match error.kind() {
        ErrorKind::TimedOut => return no_answer(server, waited),
        ErrorKind::ConnectionRefused => (ReasonKind::Refused, format!("{server} refused the connection")),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (ReasonKind::Refused, closed(server)),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (ReasonKind::NoAnswer, format!("no route to {server}"))
        }
        ErrorKind::NotFound => (ReasonKind::Refused, format!("no socket at {server}")),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            return fault_reason(Fault::NotPostgres, server);
        }
        ErrorKind::PermissionDenied => (ReasonKind::Permission, format!("no permission to access {server}")),
        _ => (ReasonKind::Failed, format!("{server}: {}", redact(&error.to_string()))),
    };
    Reason::new(kind, message)
}

fn io_source(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

/// Returns the message of the underlying error, without the driver's prefix.
fn cause_message(error: &Error) -> String {
    match error.source() {
        Some(source) => redact(&source.to_string()),
        None => error.to_string(),
    }
}
