//! Fluent Bit's log levels.

/// The level of a log line, with Fluent Bit's numbers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(i32)]
pub enum Level {
    /// Data was lost, or the start failed.
    Error = 1,
    /// Something needs attention; nothing is lost.
    Warn = 2,
    /// What a user wants to know once.
    Info = 3,
    /// What a support case needs.
    Debug = 4,
}
