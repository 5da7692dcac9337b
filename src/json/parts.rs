//! A value beyond the service's limit -> parts within it, one at a time.

use super::pieces::Pieces;
use crate::batch::oversize;

/// Cuts a text into parts while it is written. Beside the part there is at most a piece more in
/// memory, however long the text is.
#[derive(Debug)]
pub struct Parts<'a> {
    pieces: Pieces<'a>,
    is_escaped: bool,
    room: usize,
    /// Text that has been written, the last part in front.
    text: Vec<u8>,
    part: usize,
}

impl<'a> Parts<'a> {
    /// Parts of text in its escaped form, each of which stands for at most so many bytes.
    #[must_use]
    pub fn escaped(pieces: Pieces<'a>, room: usize) -> Self {
        Self::new(pieces, true, room)
    }

    /// Parts of plain text of at most so many bytes.
    #[must_use]
    pub fn plain(pieces: Pieces<'a>, room: usize) -> Self {
        Self::new(pieces, false, room)
    }

    fn new(pieces: Pieces<'a>, is_escaped: bool, room: usize) -> Self {
        Self {
            pieces,
            is_escaped,
            // No character is longer than this, so that every part holds one at least.
            room: room.max(4),
            text: Vec::new(),
            part: 0,
        }
    }

    /// The next part; `None` at the end.
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

    /// How many parts there are.
    #[must_use]
    pub fn count(mut self) -> usize {
        std::iter::from_fn(|| self.next().map(|_| ())).count()
    }

    /// Values left out so far because they were nested too deeply.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.pieces.too_deep()
    }
}

/// Parts with their marks (`[part 1/3]`): how many there are is counted by writing the text twice.
#[derive(Debug)]
pub struct NumberedParts<'a> {
    parts: Parts<'a>,
    written: usize,
    of: usize,
}

impl<'a> NumberedParts<'a> {
    /// The parts of the text that each of these writers writes.
    #[must_use]
    pub fn new(parts: impl Fn() -> Parts<'a>) -> Self {
        Self {
            written: 0,
            of: parts().count(),
            parts: parts(),
        }
    }

    /// The next part and its mark; `None` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "the part borrows from the reader"
    )]
    pub fn next(&mut self) -> Option<(&[u8], String)> {
        let part = self.parts.next()?;
        self.written += 1;
        Some((part, oversize::part_mark(self.written, self.of)))
    }

    /// Values nested too deeply to be written.
    #[must_use]
    pub fn too_deep(&self) -> usize {
        self.parts.too_deep()
    }
}
