//! The pieces of a line that Docker cut -> the line.
//!
//! Docker reads a container's output by 16 KiB. A longer line comes in pieces with one
//! `partial_id`, numbered by `partial_ordinal`; those of two streams may come in turn. Source: moby
//! `daemon/logger/copier.go` and `daemon/logger/fluentd/fluentd.go`.

use std::collections::HashMap;

use super::line::Line;

/// Lines whose last piece has not come yet.
#[derive(Debug, Default)]
pub(super) struct PartialLines<'c> {
    /// In the order in which they began; `None` for one that has ended.
    lines: Vec<Option<Open<'c>>>,
    /// Which of them are open. A container chooses the identities, so a look-up costs the same
    /// however many there are.
    by_id: HashMap<&'c [u8], usize>,
}

#[derive(Debug)]
struct Open<'c> {
    next: u64,
    line: Line<'c>,
}

impl<'c> PartialLines<'c> {
    /// Adds what may be a piece; the lines that are whole now.
    pub(super) fn add(&mut self, mut line: Line<'c>) -> Vec<Line<'c>> {
        let Some(id) = line.get(b"partial_id") else {
            return vec![line];
        };
        let ordinal = line.get(b"partial_ordinal").and_then(number);
        let is_last = line.get(b"partial_last") == Some(b"true");
        line.leave_out(|field| OWN_KEYS.iter().any(|key| field.is(key)));
        let mut whole = Vec::new();
        whole.extend(self.append(id, ordinal.unwrap_or_default(), line));
        if is_last {
            whole.extend(self.take(id));
        }
        whole
    }

    /// Adds a piece to its line. One out of order, or doubled on its way, begins another: nothing is
    /// joined that was not one line.
    fn append(&mut self, id: &'c [u8], ordinal: u64, line: Line<'c>) -> Option<Line<'c>> {
        if let Some(open) = self.open(id)
            && open.next == ordinal
        {
            open.line.append(&[&line.text]);
            open.next += 1;
            return None;
        }
        let before = self.take(id);
        let next = ordinal.saturating_add(1);
        self.by_id.insert(id, self.lines.len());
        self.lines.push(Some(Open { next, line }));
        before
    }

    fn open(&mut self, id: &[u8]) -> Option<&mut Open<'c>> {
        self.lines.get_mut(*self.by_id.get(id)?)?.as_mut()
    }

    fn take(&mut self, id: &[u8]) -> Option<Line<'c>> {
        let index = self.by_id.remove(id)?;
        Some(self.lines.get_mut(index)?.take()?.line)
    }

    /// What is left at the chunk's end.
    pub(super) fn finish(self) -> impl Iterator<Item = Line<'c>> {
        self.lines.into_iter().flatten().map(|open| open.line)
    }
}

fn number(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.parse().ok()
}

const OWN_KEYS: [&[u8]; 4] = [
    b"partial_message",
    b"partial_id",
    b"partial_ordinal",
    b"partial_last",
];
