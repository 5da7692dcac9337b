//! The environment of the process.

/// A variable of the environment; an empty one is none.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
