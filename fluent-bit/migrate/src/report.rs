//! What the tool found, as lines.

use std::collections::BTreeSet;
use std::fmt;

/// Everything found in one input.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// What was looked at, in its order.
    pub parts: Vec<Part>,
    /// IAM actions that the plugins' identity needs.
    pub actions: BTreeSet<&'static str>,
}

/// A container, or a section of a configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Part {
    /// What it is.
    pub title: String,
    /// What is to be said of it.
    pub remarks: Vec<Remark>,
}

/// One thing to know or to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remark {
    /// It means here what it meant before.
    Keep(String),
    /// It works without an edit, and differently.
    Change(String),
    /// It is to be edited.
    Edit(String),
    /// Text to put in the place of what is there.
    Text(String),
    /// The router would not start, or the task.
    Problem(String),
}

impl Report {
    /// Whether something would not start as it is.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        let mut remarks = self.parts.iter().flat_map(|part| &part.remarks);
        remarks.any(|remark| matches!(remark, Remark::Problem(_)))
    }
}

impl Part {
    /// A part of which nothing is said yet.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            title,
            remarks: Vec::new(),
        }
    }

    /// Adds a remark.
    #[must_use]
    pub fn with(mut self, remark: Remark) -> Self {
        self.remarks.push(remark);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            writeln!(f, "{}", part.title)?;
            for remark in &part.remarks {
                writeln!(f, "  {remark}")?;
            }
        }
        if !self.actions.is_empty() {
            writeln!(f, "IAM actions of the task role")?;
            for action in &self.actions {
                writeln!(f, "  {action}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Keep(text) => ("keep", text),
            Self::Change(text) => ("change", text),
            Self::Edit(text) => ("edit", text),
            Self::Problem(text) => ("problem", text),
            Self::Text(text) => return write!(f, "  {}", text.replace('\n', "\n    ")),
        };
        write!(f, "{kind:<8}{text}")
    }
}
