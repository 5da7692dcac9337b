//! Texts that are too large for a Kinesis record.

use super::Packer;
use crate::batch::compress::max_incompressible_len;
use crate::batch::oversize::{self, Oversize};
use crate::kinesis::partition_key::MAX_BYTES;

impl Packer {
    /// How a text is sent that is too large for a record.
    #[must_use]
    pub fn for_oversize(&self) -> Oversize {
        self.packing.oversize
    }

    /// Maximum length of a text. A longer text is too large, or is not compressed to find out.
    #[must_use]
    pub fn max_text(&self) -> usize {
        match self.compressor {
            Some(_) => MAX_COMPRESSED_TEXT.max(self.packing.record_bytes),
            None => self.packing.record_bytes,
        }
    }

    /// Maximum length of a part, without its mark and its newline; the same for all partition keys.
    #[must_use]
    pub fn part_room(&self) -> usize {
        let room = self.packing.record_bytes - MAX_KEY_BYTES;
        let room = match self.compressor {
            Some(_) => max_incompressible_len(room),
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

    /// Packs the beginning of a text that is too large, with a mark. The text has no newline.
    pub fn truncated(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        self.packed.truncated += 1;
        let kept = oversize::plain_fitting(
            text,
            self.room_for_any_text(key) - 1 - oversize::TRUNCATED.len(),
        );
        self.part(key, &text[..kept], oversize::TRUNCATED, time);
    }

    /// Packs a part of a text with its mark.
    ///
    /// # Panics
    ///
    /// If the part is longer than [`Packer::part_room`].
    pub fn part(&mut self, key: Option<&str>, text: &[u8], mark: &str, time: i64) {
        let newline: &[u8] = if self.packing.newline { b"\n" } else { b"" };
        let fits = self.put(key, &[text, mark.as_bytes(), newline].concat(), time);
        assert!(fits, "a part is within the limit");
    }
}

/// Maximum length of a partition key in bytes. Each of its bytes may have been replaced by U+FFFD (3 bytes).
const MAX_KEY_BYTES: usize = 3 * MAX_BYTES;

/// Maximum length of a text that is compressed as a whole. A longer text is treated as too large, so that
/// it is never in memory as a whole.
const MAX_COMPRESSED_TEXT: usize = 8 * 1024 * 1024;
