//! What the driver's errors mean, in words.

use crate::base::secret::redact;
use crate::collect::no_answer;
use crate::evidence::{Why, WhyKind};
use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

/// Why there is no connection to `who` (`host:port`) after so long.
pub fn connecting(error: &Error, who: &str, waited: Duration) -> Why {
    if let Some(refusal) = error.as_db_error() {
        return refused_by_server(refusal, who);
    }
    if is_tls(error) {
        return tls(error, who);
    }
    let reason = reasons(error);
    match io_kind(error) {
        Some(ErrorKind::TimedOut) => return no_answer(who, waited),
        Some(kind) => return unreachable(kind, who, &reason),
        None => {}
    }
    if reason.contains("password missing") {
        // What the services know we were not told: it says nothing of them.
        let say = format!("{who} asks for a password, and the address has none (--postgres, POSTGRES_URL)");
        return Why::new(WhyKind::NotConfigured, say);
    }
    if error.is_closed() {
        return Why::new(WhyKind::Refused, format!("{who} closed the connection"));
    }
    Why::new(WhyKind::Failed, format!("{who}: {reason}"))
}

/// Whether it is the encryption that did not come about.
pub fn is_tls(error: &Error) -> bool {
    // The driver shows the kind of an error only in its words.
    error.to_string() == "error performing TLS handshake"
}

/// Why `what` (a table, a stage) was not seen.
pub fn asking(error: &Error, what: &str) -> Why {
    let Some(refusal) = error.as_db_error() else {
        let cut = error.is_closed() || io_kind(error).is_some();
        return if cut {
            Why::new(WhyKind::Refused, "the server cut the connection")
        } else {
            Why::new(WhyKind::Failed, format!("{what}: {}", reasons(error)))
        };
    };
    let code = refusal.code().code();
    let kind = match code {
        "42P01" | "42703" | "3F000" => WhyKind::Schema,
        // Row security, too: with row_security = off it is an error, not silence.
        "42501" => WhyKind::Permission,
        "55P03" | "57014" => WhyKind::Limit,
        "57P01" | "57P02" | "57P03" => WhyKind::Refused,
        _ => WhyKind::Failed,
    };
    let message = redact(refusal.message());
    let say = match code {
        "55P03" => format!("{what}: locked by somebody else, gave up waiting (lock timeout)"),
        "57014" => format!("{what}: took too long, stopped (statement timeout)"),
        _ => match refusal.hint() {
            // "Perhaps you meant to reference the column …"
            Some(hint) if code == "42703" => format!("{what}: {message}. {}", redact(hint)),
            _ => format!("{what}: {message}"),
        },
    };
    Why::new(kind, say).code(code)
}

fn refused_by_server(refusal: &DbError, who: &str) -> Why {
    let code = refusal.code().code();
    let says = |words| refusal.message().contains(words);
    let kind = match code {
        // PgBouncer knows one code for everything.
        "08P01" if says("authentication failed") || says("no such user") => WhyKind::Auth,
        "08P01" if says("does not exist") || says("no such database") => WhyKind::Missing,
        "28P01" | "28000" => WhyKind::Auth,
        "3D000" => WhyKind::Missing,
        "42501" => WhyKind::Permission,
        "57P01" | "57P02" | "57P03" => WhyKind::Refused,
        _ => WhyKind::Failed,
    };
    Why::new(kind, format!("{who}: {}", redact(refusal.message()))).code(code)
}

fn tls(error: &Error, who: &str) -> Why {
    let reason = reasons(error);
    if reason.contains("does not support TLS") {
        let say = format!("{who} does not support TLS, and the address asks for it");
        return Why::new(WhyKind::Refused, say);
    }
    let certificate = [
        ("UnknownIssuer", "its certificate is signed by nobody who is trusted here"),
        ("CaUsedAsEndEntity", "its certificate is an authority's own, and not one that is trusted here"),
        ("UnsupportedCertVersion", "its certificate is of X.509 version 1, which cannot be verified"),
    ];
    let known = certificate.iter().find(|(name, _)| reason.contains(name));
    let reason = known.map_or(reason.as_str(), |(_, say)| say);
    Why::new(WhyKind::Failed, format!("TLS with {who} failed: {reason}"))
}

fn unreachable(kind: ErrorKind, who: &str, reason: &str) -> Why {
    let (kind, say) = match kind {
        ErrorKind::ConnectionRefused => (WhyKind::Refused, format!("{who} refused the connection")),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (WhyKind::Refused, format!("{who} closed the connection")),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (WhyKind::NoAnswer, format!("no route to {who}"))
        }
        ErrorKind::NotFound => (WhyKind::Refused, format!("no socket at {who}")),
        ErrorKind::PermissionDenied => (WhyKind::Permission, format!("{who}: {reason}")),
        // What came back could not be read as PostgreSQL's messages.
        ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            let say = format!("{who} answers, but not as PostgreSQL does: {reason}");
            (WhyKind::Failed, say)
        }
        _ => (WhyKind::Failed, format!("{who}: {reason}")),
    };
    Why::new(kind, say)
}

fn io_kind(error: &Error) -> Option<ErrorKind> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    Some(io.kind())
}

/// The innermost reasons, without the driver's own heading where it has any.
fn reasons(error: &Error) -> String {
    match error.source() {
        Some(source) => redact(&source.to_string()),
        None => error.to_string(),
    }
}
