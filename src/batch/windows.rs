//! The open batches of one destination, where a request may span only so much time.
//!
//! While the span suffices there is one open batch. The first item that it does not take divides all
//! time into windows as long as the span, one of which holds what the batch has. From then on each
//! window that is met has an open batch of its own. Times that jump back and forth then need as many
//! requests as their windows and bytes ask for, and not one for each jump.
//!
//! A time belongs to one window alone, so that items of one time stay in their order.

use std::mem;
use std::sync::Arc;

use super::{Batch, BatchBuilder, Item, Limits};
use crate::batch::builder::Times;
use crate::delivery::ledger::PendingItems;

/// The open batches of one destination.
#[derive(Debug)]
pub struct Windows {
    /// The one that took the last item.
    recent: BatchBuilder,
    /// The others, the least recently used one first.
    others: Vec<BatchBuilder>,
    /// Where a window begins, once there are several.
    origin: Option<i64>,
}

impl Windows {
    /// Begins with one empty batch, as [`BatchBuilder::new`] does.
    #[must_use]
    pub fn new(limits: Limits, head: &[u8], only: Option<Arc<PendingItems>>) -> Self {
        Self {
            recent: BatchBuilder::new(limits, head, only),
            others: Vec::new(),
            origin: None,
        }
    }

    /// How many batches are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.others.len() + 1
    }

    /// Chooses the batch for an item of this time, and opens one where there is none. Hands back the
    /// least recently used batch where there would be more than [`MOST_WINDOWS`].
    #[inline]
    pub fn choose(&mut self, time: i64) -> Option<Batch> {
        if self.recent.takes(time) {
            return None;
        }
        self.change(time)
    }

    /// The batch that was chosen, to write an item into.
    #[inline]
    pub fn chosen(&mut self) -> &mut BatchBuilder {
        &mut self.recent
    }

    /// The items of all open batches.
    pub fn items(&self) -> impl Iterator<Item = &[Item]> {
        let all = self.others.iter().chain([&self.recent]);
        all.map(BatchBuilder::items)
    }

    /// What has been added since the last batches, by windows.
    pub fn finish(self) -> impl Iterator<Item = Batch> {
        let mut all = self.others;
        all.push(self.recent);
        all.sort_by_key(BatchBuilder::window_start);
        all.into_iter().filter_map(BatchBuilder::finish)
    }

    fn change(&mut self, time: i64) -> Option<Batch> {
        let span = self.recent.limits().span_ms?;
        let origin = *self.origin.get_or_insert_with(|| {
            let origin = origin(self.recent.range(), span);
            self.recent.settle(window(origin, origin, span));
            origin
        });
        let known = self.others.iter().position(|open| open.takes(time));
        let next = match known {
            Some(index) => self.others.remove(index),
            None => self.recent.beside(window(origin, time, span)),
        };
        let before = mem::replace(&mut self.recent, next);
        self.others.push(before);
        if self.others.len() < MOST_WINDOWS {
            return None;
        }
        self.others.remove(0).finish()
    }
}

/// Where the window of a batch begins that takes these times: its items, which lie in the middle of
/// the range, then lie in the middle of the window.
fn origin(range: Times, span: i64) -> i64 {
    let (start, end) = (i128::from(range.start), i128::from(range.end));
    clamped((start + end + 1 - i128::from(span)).div_euclid(2))
}

/// The window of a time, where one begins at the origin.
fn window(origin: i64, time: i64, span: i64) -> Times {
    let (origin, span) = (i128::from(origin), i128::from(span));
    let start = origin + (i128::from(time) - origin).div_euclid(span) * span;
    Times {
        start: clamped(start),
        end: clamped(start + span - 1),
    }
}

fn clamped(time: i128) -> i64 {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(time.clamp(least, most)).unwrap_or_default()
}

/// Batches of one destination that are open at most. CloudWatch Logs takes events from 14 days ago
/// to two hours ahead, so that all it takes fits into so many windows of 24 hours.
pub const MOST_WINDOWS: usize = 16;

#[cfg(test)]
mod tests;
