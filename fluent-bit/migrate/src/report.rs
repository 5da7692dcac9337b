//! What the tool found, as lines.

use std::fmt;

use crate::document::Note;
use crate::edit::Change;
use crate::needs::Needs;

/// Everything found in one document.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was looked at, in its order.
    pub parts: Vec<Part>,
    /// What identities need.
    pub needs: Needs,
    /// The edits that can be made by `--write`, each in a layer of the document.
    pub changes: Vec<(usize, Change)>,
    /// The account whose resources the router writes to, where it is known.
    pub account: Option<String>,
    /// What was not read, in sentences that say what to do.
    pub unread: Vec<String>,
    /// What was decided where a document leaves a choice.
    pub notes: Vec<Note>,
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

impl Remark {
    /// That the router's image takes another's place.
    #[must_use]
    pub fn image(old: &str) -> Self {
        Self::Edit(format!("write this router's image for `{old}`"))
    }
}

impl Report {
    /// Whether something would not start as it is.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        let mut remarks = self.parts.iter().flat_map(|part| &part.remarks);
        remarks.any(|remark| matches!(remark, Remark::Problem(_)))
    }

    /// Whether all of the document was read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty() && !self.notes.iter().any(|note| note.is_partial)
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
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for sentence in &self.unread {
            writeln!(f, "not read: {sentence}")?;
        }
        write!(f, "{}", self.needs)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_partial {
            "read in part"
        } else {
            "assumed"
        };
        write!(f, "{kind}: {}", self.text)
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
