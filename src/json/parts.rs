//! A value beyond the service's limit -> parts within the limit, one at a time.

use super::pieces::Pieces;
use crate::batch::oversize;

/// Splits a text into parts while it is written. The memory holds at most one part and one piece,
/// for a text of any length.
#[derive(Debug)]
pub struct Parts<'a> {
    pieces: Pieces<'a>,
    is_escaped: bool,
    room: usize,
    /// Text that has been written. It starts with the last part.
    text: Vec<u8>,
    part: usize,
}

impl<'a> Parts<'a> {
    /// Parts of escaped text; the unescaped form of each has at most `room` bytes.
    #[must_use]
    pub fn escaped(pieces: Pieces<'a>, room: usize) -> Self {
        Self::new(pieces, true, room)
    }

    /// Parts of plain text of at most `room` bytes.
    #[must_use]
    pub fn plain(pieces: Pieces<'a>, room: usize) -> Self {
        Self::new(pieces, false, room)
    }

    fn new(pieces: Pieces<'a>, is_escaped: bool, room: usize) -> Self {
        Self {
            pieces,
            is_escaped,
            // A UTF-8 character has at most 4 bytes. A smaller limit could make an empty part.
            room: room.max(4),
            text: Vec::new(),
            part: 0,
        }
    }

    /// Returns the next part; `None` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "the part borrows from the reader"
    )]
    pub fn next(&mut self) -> Option<&[u8]> {
        self.text.drain(..self.part);
        let (mut end, mut long) = (0, 0);
        loop {
            if self.is_escaped {
                (end, long) = oversize::fitting_from((end, long), &self.text, self.room);
            } else {
                end = oversize::plain_fitting(&self.text, self.room);
            }
            if end < self.text.len() || !self.pieces.write(&mut self.text) {
                break;
            }
        }
        self.part = end;
        (end > 0).then(|| &self.text[..end])
    }

    /// The number of parts.
    #[must_use]
    pub fn count(mut self) -> usize {
        std::iter::from_fn(|| self.next().map(|_| ())).count()
    }

    /// The number of values skipped so far because they are nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.pieces.too_deep()
    }
}

/// Parts with their marks (`[Part 1/3]`). The number of parts is found by writing the text twice.
#[derive(Debug)]
pub struct NumberedParts<'a> {
    parts: Parts<'a>,
    written: usize,
    of: usize,
}

impl<'a> NumberedParts<'a> {
    /// The parts of the text that `parts` writes. It is called twice.
    #[must_use]
    pub fn new(parts: impl Fn() -> Parts<'a>) -> Self {
        Self {
            written: 0,
            of: parts().count(),
            parts: parts(),
        }
    }

    /// Returns the next part and its mark; `None` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "the part borrows from the reader"
    )]
    pub fn next(&mut self) -> Option<(&[u8], String)> {
        let part = self.parts.next()?;
        self.written += 1;
        Some((part, oversize::part_mark(self.written, self.of)))
    }

    /// The number of values skipped because they are nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.parts.too_deep()
    }
}
