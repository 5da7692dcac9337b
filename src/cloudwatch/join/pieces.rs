//! The pieces of a line that Docker cut -> the line.
//!
//! Docker reads a container's output by 16 KiB. A longer line comes in pieces with one
//! `partial_id`, numbered by `partial_ordinal`; those of two streams may come in turn. Source: moby
//! `daemon/logger/copier.go` and `daemon/logger/fluentd/fluentd.go`.

use super::line::Line;

/// Lines whose last piece has not come yet.
#[derive(Debug, Default)]
pub(super) struct Pieces<'c>(Vec<Open<'c>>);

#[derive(Debug)]
struct Open<'c> {
    id: &'c [u8],
    next: u64,
    line: Line<'c>,
}

impl<'c> Pieces<'c> {
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
        let open = self.0.iter_mut().find(|open| open.id == id);
        if let Some(open) = open.filter(|open| open.next == ordinal) {
            open.line.append(&[&line.text]);
            open.next += 1;
            return None;
        }
        let before = self.take(id);
        let next = ordinal.saturating_add(1);
        self.0.push(Open { id, next, line });
        before
    }

    fn take(&mut self, id: &[u8]) -> Option<Line<'c>> {
        let index = self.0.iter().position(|open| open.id == id)?;
        Some(self.0.remove(index).line)
    }

    /// What is left at the chunk's end.
    pub(super) fn finish(self) -> impl Iterator<Item = Line<'c>> {
        self.0.into_iter().map(|open| open.line)
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
