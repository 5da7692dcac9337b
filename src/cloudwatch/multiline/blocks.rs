//! Lines -> multi-line events.
//!
//! The rules are those of the awslogs driver. Standard output and standard error of a container are one
//! source. Lines before the first that begins an event are an event too. An event has the time of its
//! first line.

use std::collections::HashMap;

use super::line::Line;

/// The open event of each container.
#[derive(Debug, Default)]
pub(super) struct Blocks<'c> {
    /// In the order of their containers in the chunk.
    blocks: Vec<Line<'c>>,
    /// The index of each container's event. Container ids are arbitrary, so a hash map keeps the cost of a
    /// lookup constant for any number of them.
    by_container: HashMap<&'c [u8], usize>,
}

impl<'c> Blocks<'c> {
    /// Adds a line. Returns the event that ends before this line.
    pub(super) fn add(
        &mut self,
        line: Line<'c>,
        begins: bool,
        max_bytes: usize,
    ) -> Option<Line<'c>> {
        let container = line.get(b"container_id").unwrap_or_default();
        let known = self.by_container.get(container);
        let Some(block) = known.and_then(|index| self.blocks.get_mut(*index)) else {
            self.by_container.insert(container, self.blocks.len());
            self.blocks.push(line);
            return None;
        };
        if begins || block.text.len() + NEWLINE.len() + line.text.len() > max_bytes {
            return Some(std::mem::replace(block, line));
        }
        block.append(&[NEWLINE, &line.text]);
        None
    }

    /// Returns the events that are open at the end of the chunk.
    pub(super) fn finish(self) -> impl Iterator<Item = Line<'c>> {
        self.blocks.into_iter()
    }
}

const NEWLINE: &[u8] = b"\n";
