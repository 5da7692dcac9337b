//! A panic hook that stores the message of a panic for Fluent Bit's log.
//!
//! The standard hook prints to stderr and not to Fluent Bit's log, and with `RUST_BACKTRACE` it uses 23
//! of the 24 KiB of stack that a flush is called on. This hook only stores the message; the code that
//! catches the panic logs it.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

/// The location and the message of the latest panic in this library, on one line.
#[must_use]
pub fn last_panic() -> String {
    LAST.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace('\n', " ")
}

/// Removes the text that slicing panics quote, as it may be a user's data.
fn without_text(info: &str) -> String {
    let (kept, left_out) = info.split_once(" of `").unwrap_or((info, ""));
    let mark = if left_out.is_empty() { "" } else { " of …" };
    format!("{kept}{mark}")
}

/// Installs the hook, once.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        panic::set_hook(Box::new(|info| {
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = without_text(&info.to_string());
        }));
    });
}

static LAST: Mutex<String> = Mutex::new(String::new());

#[cfg(test)]
mod tests {
    use super::*;

    /// Rust 1.95 and earlier quote the whole text in the message; later versions do not.
    #[test]
    fn the_text_of_a_slicing_panic_is_not_quoted() {
        let payload = String::from("naïve");
        let panic = panic::catch_unwind(|| payload[..3].len()).unwrap_err();
        let said = panic.downcast_ref::<String>().unwrap();
        assert!(
            said.contains("byte index 3 is not a char boundary"),
            "{said}"
        );
        assert!(!without_text(said).contains("naïve"), "{said}");
        let with_text =
            "byte index 3 is not a char boundary; it is inside 'ï' (bytes 2..4) of `naïve`";
        let expected = "byte index 3 is not a char boundary; it is inside 'ï' (bytes 2..4) of …";
        assert_eq!(without_text(with_text), expected);
        assert_eq!(without_text("src/a.rs:1:2: no"), "src/a.rs:1:2: no");
    }
}
