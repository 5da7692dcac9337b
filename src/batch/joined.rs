//! Which texts each record of a request holds, where several are joined.
//!
//! A chunk that comes again may be joined in another way, as names may be known by then that were
//! not known before. So what is left of it is remembered by texts, and not by records.

/// The ordinals of the texts of each record, by the record's number.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    texts: Vec<u32>,
    /// Where the texts of each record end.
    ends: Vec<usize>,
}

impl Joined {
    /// Notes the texts of the next record.
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
