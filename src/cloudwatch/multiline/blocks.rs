//! Lines -> events of several lines.
//!
//! As the awslogs driver does it: standard output and standard error of a container are one, lines
//! before the first that begins an event are one of their own, and an event has the time of its
//! first line.

use std::collections::HashMap;

use super::line::Line;

/// The open event of each container.
#[derive(Debug, Default)]
pub(super) struct Blocks<'c> {
    /// In the order in which the containers were met.
    blocks: Vec<Line<'c>>,
    /// Whose they are. The identities are chosen outside, so a look-up costs the same however many
    /// there are.
    by_container: HashMap<&'c [u8], usize>,
}

impl<'c> Blocks<'c> {
    /// Adds a line; the event that ends before it.
    pub(super) fn add(
        &mut self,
        line: Line<'c>,
        begins: bool,
        most_bytes: usize,
    ) -> Option<Line<'c>> {
        let container = line.get(b"container_id").unwrap_or_default();
        let known = self.by_container.get(container);
        let Some(block) = known.and_then(|index| self.blocks.get_mut(*index)) else {
            self.by_container.insert(container, self.blocks.len());
            self.blocks.push(line);
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
        self.blocks.into_iter()
    }
}

const NEWLINE: &[u8] = b"\n";
