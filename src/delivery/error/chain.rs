//! An error with its causes.

use std::error::Error;
use std::fmt;

/// An error and what caused it, as one sentence.
pub struct Chain<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for cause in chain(self.0) {
            let text = cause.to_string();
            // Many causes repeat what the one above them has said.
            if said.contains(&text) {
                continue;
            }
            let separator = if said.is_empty() { "" } else { ": " };
            write!(f, "{separator}{text}")?;
            said.push_str(&text);
        }
        Ok(())
    }
}

pub(super) fn chain<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        (*error).source()
    })
}
