//! Texts that are too large for a Kinesis record.

use super::Packer;
use crate::batch::compress::surely_within;
use crate::batch::oversize::{self, Oversize};
use crate::kinesis::partition_key::MOST_BYTES;

impl Packer {
    /// What is done with a text that is too large for a record.
    #[must_use]
    pub fn for_oversize(&self) -> Oversize {
        self.packing.oversize
    }

    /// A text longer than this is too large, or is not tried.
    #[must_use]
    pub fn most_text(&self) -> usize {
        match self.compressor {
            Some(_) => MOST_COMPRESSED.max(self.packing.record_bytes),
            None => self.packing.record_bytes,
        }
    }

    /// Bytes of text that a part may have, without its mark and its newline; the same for each partition
    /// key.
    #[must_use]
    pub fn part_room(&self) -> usize {
        let room = self.packing.record_bytes - MOST_KEY_BYTES;
        let room = match self.compressor {
            Some(_) => surely_within(room),
            None => room,
        };
        room - 1 - oversize::MARK_ROOM
    }

    /// Counts a text that is sent in parts.
    pub fn count_split(&mut self) {
        self.packed.split += 1;
    }

    #[cold]
    pub(super) fn oversize(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        let newline = usize::from(self.packing.newline);
        let text = &text[..text.len() - newline];
        if self.packing.oversize == Oversize::Truncate {
            return self.truncated(key, text, time);
        }
        self.count_split();
        let count = oversize::plain_parts(text, self.part_room()).count();
        for (index, part) in oversize::plain_parts(text, self.part_room()).enumerate() {
            self.part(key, part, &oversize::part_mark(index + 1, count), time);
        }
    }

    /// Packs the beginning of a text that is too large; the text has no newline of its own.
    pub fn truncated(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        self.packed.truncated += 1;
        let kept =
            oversize::plain_fitting(text, self.sure_room(key) - 1 - oversize::TRUNCATED.len());
        self.part(key, &text[..kept], oversize::TRUNCATED, time);
    }

    /// Packs a part of a text with its mark.
    ///
    /// # Panics
    ///
    /// For a part of more than [`Packer::part_room`] bytes.
    pub fn part(&mut self, key: Option<&str>, text: &[u8], mark: &str, time: i64) {
        let newline: &[u8] = if self.packing.newline { b"\n" } else { b"" };
        let fits = self.put(key, &[text, mark.as_bytes(), newline].concat(), time);
        assert!(fits, "a part is within the limit");
    }
}

/// The longest partition key once it is text: each of its bytes may have become U+FFFD.
const MOST_KEY_BYTES: usize = 3 * MOST_BYTES;

/// A longer text is not compressed as a whole, so that it is not in memory as a whole: it is too large,
/// be it as it is or in compressed form.
const MOST_COMPRESSED: usize = 8 * 1024 * 1024;
