//! The changes of one mapping or section, collected while it is reported.

use crate::edit::{Change, Fields, scalar};
use crate::tree::{Format, Node};

/// A place that can be changed.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    fields: Fields,
    text: String,
    format: Option<Format>,
    layer: usize,
    changes: Vec<Change>,
    removed: Vec<usize>,
    added: Vec<(String, String)>,
}

impl Editor {
    /// One for fields of a text; without a format nothing can be changed.
    #[must_use]
    pub fn new(fields: Fields, text: &str, format: Format, layer: usize) -> Self {
        Self {
            fields,
            text: text.to_owned(),
            format: Some(format),
            layer,
            ..Self::default()
        }
    }

    /// One for a mapping of a text.
    #[must_use]
    pub fn of(node: &Node, text: &str, format: Format, layer: usize) -> Self {
        Self::new(Fields::of(node, text, format), text, format, layer)
    }

    /// Another value for a key.
    pub fn set(&mut self, key: &str, value: &str) {
        let change = self
            .format
            .and_then(|format| self.fields.set(key, value, &self.text, format));
        self.changes.extend(change);
    }

    /// Another key for a value.
    pub fn rename(&mut self, key: &str, new: &str) {
        let change = self.fields.rename(key, new, &self.text);
        self.changes.extend(change);
    }

    /// Without a key.
    pub fn remove(&mut self, key: &str) {
        self.removed.extend(self.fields.position(key));
    }

    /// With a key more.
    pub fn add(&mut self, key: &str, value: &str) {
        let Some(format) = self.format else {
            return;
        };
        let before = if matches!(format, Format::Json | Format::Hcl) {
            "\""
        } else {
            ""
        };
        self.add_raw(key, &scalar(value, before, format));
    }

    /// With a key more, whose value is written as it is.
    pub fn add_raw(&mut self, key: &str, value: &str) {
        self.added.push((key.to_owned(), value.to_owned()));
    }

    /// What was changed.
    pub fn finish(&mut self) -> Vec<(usize, Change)> {
        let mut changes = std::mem::take(&mut self.changes);
        if let Some(format) = self.format {
            let all = self
                .fields
                .without_and_with(&self.removed, &self.added, &self.text, format);
            changes.extend(all);
        }
        changes
            .into_iter()
            .map(|change| (self.layer, change))
            .collect()
    }
}
