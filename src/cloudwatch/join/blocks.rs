//! Lines -> events of several lines.
//!
//! As the awslogs driver does it: standard output and standard error of a container are one, lines
//! before the first that begins an event are one of their own, and an event has the time of its
//! first line.

use super::line::Line;

/// The open event of each container.
#[derive(Debug, Default)]
pub(super) struct Blocks<'c>(Vec<(&'c [u8], Line<'c>)>);

impl<'c> Blocks<'c> {
    /// Adds a line; the event that ends before it.
    pub(super) fn add(
        &mut self,
        line: Line<'c>,
        begins: bool,
        most_bytes: usize,
    ) -> Option<Line<'c>> {
        let container = line.get(b"container_id").unwrap_or_default();
        let open = self.0.iter_mut().find(|(id, _)| *id == container);
        let Some((_, block)) = open else {
            self.0.push((container, line));
            return None;
        };
        if begins || block.text.len() + NEWLINE.len() + line.text.len() > most_bytes {
            return Some(std::mem::replace(block, line));
        }
        block.append(&[NEWLINE, &line.text]);
        None
    }

    /// The events that are open at the chunk's end.
    pub(super) fn finish(self) -> impl Iterator<Item = Line<'c>> {
        self.0.into_iter().map(|(_, block)| block)
    }
}

const NEWLINE: &[u8] = b"\n";
