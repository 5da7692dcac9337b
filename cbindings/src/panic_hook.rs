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

/// Panics over a place in a text end with that text, which may be a user's.
fn without_text(info: &str) -> String {
    let (kept, left_out) = info.split_once(" of `").unwrap_or((info, ""));
    let mark = if left_out.is_empty() { "" } else { " of …" };
    format!("{kept}{mark}")
}

/// Has panics kept from now on.
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

    /// Rust 1.95 and earlier put the whole text into the message, later ones do not.
    #[test]
    fn a_text_that_was_cut_at_a_wrong_place_is_not_told() {
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
