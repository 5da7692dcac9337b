//! Records that hold several texts: which texts each record of a request holds.
//!
//! A retried chunk may be joined into other records, because more names may be known on the retry.
//! Therefore the pending items of a chunk are stored by text, not by record.

/// The ordinals of the texts of each record, by record number.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    texts: Vec<u32>,
    /// The end of each record's texts in `texts`.
    ends: Vec<usize>,
}

impl Joined {
    /// Adds the texts of the next record.
    pub(crate) fn add(&mut self, texts: &[u32]) {
        self.texts.extend_from_slice(texts);
        self.ends.push(self.texts.len());
    }

    /// The texts of a record.
    pub(crate) fn texts(&self, record: u32) -> &[u32] {
        let record = record as usize;
        let start = record.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start..self.ends[record]]
    }
}
