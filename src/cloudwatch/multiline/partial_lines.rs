//! Partial lines -> lines.
//!
//! Docker reads a container's output in buffers of 16 KiB. A longer line becomes several records with
//! one `partial_id`, numbered by `partial_ordinal`. The parts of two streams may alternate. Source: moby
//! `daemon/logger/copier.go` and `daemon/logger/fluentd/fluentd.go`.

use std::collections::HashMap;

use super::line::Line;

/// Lines whose last part has not been read.
#[derive(Debug, Default)]
pub(super) struct PartialLines<'c> {
    /// In the order of their first parts; `None` for a line that is complete.
    lines: Vec<Option<Open<'c>>>,
    /// The index of each open line. A container chooses the ids, so a hash map keeps the cost of a lookup
    /// constant for any number of them.
    by_id: HashMap<&'c [u8], usize>,
}

#[derive(Debug)]
struct Open<'c> {
    next: u64,
    line: Line<'c>,
}

impl<'c> PartialLines<'c> {
    /// Adds a record that may be a part of a line. Returns the lines that are complete.
    pub(super) fn add(&mut self, mut line: Line<'c>) -> Vec<Line<'c>> {
        let Some(id) = line.get(b"partial_id") else {
            return vec![line];
        };
        let ordinal = line.get(b"partial_ordinal").and_then(number);
        let is_last = line.get(b"partial_last") == Some(b"true");
        line.leave_out(|field| OWN_KEYS.iter().any(|key| field.is(key)));
        let mut complete = Vec::new();
        complete.extend(self.append(id, ordinal.unwrap_or_default(), line));
        if is_last {
            complete.extend(self.take(id));
        }
        complete
    }

    /// Appends a part to its line. A part out of order, or a duplicate, starts another line, so only parts
    /// of one line are joined.
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

    /// Returns the lines that are open at the end of the chunk.
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
