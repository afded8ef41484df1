//! Deadlines and timeouts for requests to outside systems.

use crate::collect::interrupt::{self, interrupted};
use crate::evidence::{Reason, ReasonKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use tokio::time::{Duration, Instant};

/// A wait that ended at its deadline or with the run.
#[derive(Debug)]
pub struct Stopped;

/// Returns the outcome of `work`, at the latest at `until` or when a signal ends the run. Then
/// `work` is dropped, so its destructor must not block.
pub async fn timeout_at<T>(until: Instant, work: impl Future<Output = T>) -> Result<T, Stopped> {
    tokio::select! {
        biased;
        result = tokio::time::timeout_at(until, work) => result.map_err(|_| Stopped),
        () = interrupted() => Err(Stopped),
    }
}

/// Returns the outcome of `work`, or "no answer from PEER in N s" at the deadline. At the
/// deadline, `work` is dropped, so its destructor must not block.
pub async fn with_deadline<T>(
    peer: &str,
    until: Instant,
    work: impl Future<Output = Result<T, Reason>>,
) -> Result<T, Reason> {
    let start = Instant::now();
    match timeout_at(until, work).await {
        Ok(result) => result,
        Err(Stopped) => Err(no_answer(peer, start.elapsed())),
    }
}

/// A healthy system may need this long to answer, so silence for a shorter time says nothing.
const MIN_WAIT: Duration = Duration::from_millis(500);

/// Returns the reason "no answer from PEER in N s", or "too little time" if the wait was too
/// short to tell whether the peer answers, or "interrupted" after a signal.
pub fn no_answer(peer: &str, waited: Duration) -> Reason {
    if interrupt::interruption().is_some() {
        return interrupt::reason();
    }
    if waited < MIN_WAIT {
        let message = format!("too little time for {peer}: waited only {} ms", waited.as_millis());
        return Reason::new(ReasonKind::TooLittleTime, message);
    }
    let waited = waited.as_secs_f64();
    Reason::new(ReasonKind::NoAnswer, format!("no answer from {peer} in {waited:.1} s"))
}

/// Replaces `pending`, the reason for what was not reached by the deadline, if a signal ended the
/// run before.
pub fn without_pending<T: Serialize + DeserializeOwned>(observed: T, pending: &Reason) -> T {
    if interrupt::interruption().is_none() {
        return observed;
    }
    let (Ok(mut document), Ok(pending), Ok(reason)) = (
        serde_json::to_value(&observed),
        serde_json::to_value(pending),
        serde_json::to_value(interrupt::reason()),
    ) else {
        return observed;
    };
    replace(&mut document, &pending, &reason);
    serde_json::from_value(document).unwrap_or(observed)
}

fn replace(document: &mut Value, old: &Value, new: &Value) {
    match document {
        _ if document == old => document.clone_from(new),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, old, new)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, old, new)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_silence_is_too_little_time() {
        let short = no_answer("db:5432", Duration::from_millis(9));
        assert_eq!(short.kind, ReasonKind::TooLittleTime);
        assert_eq!(short.message, "too little time for db:5432: waited only 9 ms");
        assert!(!short.is_unreachable());
        let long = no_answer("db:5432", Duration::from_millis(1500));
        assert_eq!(long, Reason::new(ReasonKind::NoAnswer, "no answer from db:5432 in 1.5 s"));
        assert!(long.is_unreachable());
    }
}
