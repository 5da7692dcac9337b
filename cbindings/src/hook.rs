//! What a panic says, kept for the host's log.
//!
//! The standard hook prints past the host's log, and where `RUST_BACKTRACE` is set it takes 23 of
//! the 24 KiB of stack that a flush is called on. This one keeps the text; whoever turns the panic
//! into an answer writes it into the log.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

/// The place and the message of the latest panic in this library, on one line.
#[must_use]
pub fn last_panic() -> String {
    LAST.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace('\n', " ")
}

/// Has panics kept from now on.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        panic::set_hook(Box::new(|info| {
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
        }));
    });
}

static LAST: Mutex<String> = Mutex::new(String::new());
