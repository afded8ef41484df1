//! Limits of this process and this machine. A request that fails because of such a limit says
//! nothing about the system that it was meant for.

use crate::base::error::Mistake;
use crate::base::panics;
use crate::evidence::{Reason, ReasonKind};
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

/// The error numbers ENFILE and EMFILE, which have no `ErrorKind`. Linux, macOS and the BSDs agree.
const OPEN_FILES: [i32; 2] = [23, 24];

/// Returns the reason if an error comes from a limit of this process or machine.
pub fn own_limit(error: &Error) -> Option<Reason> {
    let limit = match error.kind() {
        _ if error.raw_os_error().is_some_and(|number| OPEN_FILES.contains(&number)) => {
            return Some(open_files_reached());
        }
        ErrorKind::AddrNotAvailable => "local ports",
        ErrorKind::OutOfMemory => "memory",
        _ => return None,
    };
    Some(reached(limit))
}

/// Returns the reason if no more files can be opened. The resolver and librdkafka do not say so:
/// they report only a failed lookup or connection.
pub fn open_files_limit() -> Option<Reason> {
    File::open("/dev/null").err().as_ref().and_then(own_limit)
}

/// Returns the reason for a file or socket that could not be opened because too many are open.
pub fn open_files_reached() -> Reason {
    reached("open files")
}

/// How many threads a run needs at the same time, besides those of large clusters.
const THREADS: usize = 12;

/// Checks that the threads of a run can be started. The runtime cannot return that they could not.
pub fn check_threads() -> Result<(), Mistake> {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let start = |_| {
        let gate = Arc::clone(&gate);
        std::thread::Builder::new().spawn(move || drop(gate.lock()))
    };
    let started: Result<Vec<_>, Error> = (0..THREADS).map(start).collect();
    drop(closed);
    match started {
        Ok(threads) => threads.into_iter().for_each(|thread| drop(thread.join())),
        Err(_) => {
            let mistake = Mistake::new("this machine", "its limit on threads is reached");
            return Err(mistake.help("stop other programs of this user, or raise the limit (ulimit -u)"));
        }
    }
    Ok(())
}

/// Returns the reason for a thread that could not be started.
pub fn thread_limit(error: &Error) -> Reason {
    own_limit(error).unwrap_or_else(|| reached("threads"))
}

/// Returns the reason for evidence that was lost to a bug in its driver.
pub fn internal_error(driver: &str) -> Reason {
    if panics::thread_limit_reached() {
        return thread_limit(&ErrorKind::WouldBlock.into());
    }
    let message = format!("internal error in pipeline-doctor's part for {driver}; this is a bug");
    Reason::new(ReasonKind::Failed, message)
}

fn reached(limit: &str) -> Reason {
    let message = format!("this machine's own limit on {limit} is reached, so nothing was asked");
    Reason::new(ReasonKind::OwnLimit, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_own_limits_from_failures_of_the_system() {
        for number in OPEN_FILES {
            let why = own_limit(&Error::from_raw_os_error(number)).unwrap();
            assert_eq!(why.kind, ReasonKind::OwnLimit);
            assert_eq!(
                why.message,
                "this machine's own limit on open files is reached, so nothing was asked"
            );
        }
        assert!(own_limit(&ErrorKind::AddrNotAvailable.into()).is_some());
        for kind in [ErrorKind::ConnectionRefused, ErrorKind::TimedOut, ErrorKind::PermissionDenied] {
            assert_eq!(own_limit(&kind.into()), None);
        }
        assert_eq!(open_files_limit(), None);
        assert_eq!(check_threads(), Ok(()));
    }
}
