//! One section of a Fluent Bit configuration file.

use std::fmt::{Display, Write};

/// A section that is being written.
pub(super) struct Section(String);

impl Section {
    pub(super) fn new(kind: &str) -> Self {
        Self(format!("[{kind}]"))
    }

    pub(super) fn line(mut self, line: impl Display) -> Self {
        write!(self.0, "\n    {line}").expect("a string takes every text");
        self
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}
