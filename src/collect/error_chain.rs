//! The errors that an error of a client library wraps.

use std::error::Error;
use std::io;

/// Returns the errors from the outermost to the innermost. An I/O error returns the error that it
/// wraps from `get_ref`, not from `source`.
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut chain = vec![error];
    loop {
        let last = chain[chain.len() - 1];
        let wrapped = last.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let wrapped = wrapped.map(|inner| inner as &(dyn Error + 'static));
        match wrapped.or_else(|| last.source()) {
            Some(next) => chain.push(next),
            None => return chain,
        }
    }
}
