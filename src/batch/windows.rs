//! The open batches of one target whose requests have a maximum time span.
//!
//! There is one open batch while all times stay within the span. The first item outside of the span
//! divides all times into windows as long as the span; one window contains all items of the batch.
//! From then on each window with items has its own open batch. Times that alternate between windows
//! therefore do not close a batch at each select_other.
//!
//! A time belongs to exactly one window, so items of equal time keep their order.

use std::mem;
use std::sync::Arc;

use super::{Batch, BatchBuilder, Item, Limits};
use crate::batch::builder::Times;
use crate::delivery::ledger::PendingItems;

/// The open batches of one target.
#[derive(Debug)]
pub struct Windows {
    /// The batch that received the last item.
    recent: BatchBuilder,
    /// The other batches, the least recently used first.
    others: Vec<BatchBuilder>,
    /// The start of one window, once there are several.
    origin: Option<i64>,
}

impl Windows {
    /// Starts with one empty batch, like [`BatchBuilder::new`].
    #[must_use]
    pub fn new(limits: Limits, head: &[u8], only: Option<Arc<PendingItems>>) -> Self {
        Self {
            recent: BatchBuilder::new(limits, head, only),
            others: Vec::new(),
            origin: None,
        }
    }

    /// The number of open batches.
    #[must_use]
    pub fn open(&self) -> usize {
        self.others.len() + 1
    }

    /// Selects the batch for an item of this time, or opens one. Returns the least recently used batch
    /// if there would be more than [`MAX_WINDOWS`].
    #[inline]
    pub fn choose(&mut self, time: i64) -> Option<Batch> {
        if self.recent.takes(time) {
            return None;
        }
        self.select_other(time)
    }

    /// The selected batch, to which the next item is added.
    #[inline]
    pub fn chosen(&mut self) -> &mut BatchBuilder {
        &mut self.recent
    }

    /// The items of all open batches.
    pub fn items(&self) -> impl Iterator<Item = &[Item]> {
        let all = self.others.iter().chain([&self.recent]);
        all.map(BatchBuilder::items)
    }

    /// Returns the batches of the items added since the last batches, ordered by window.
    pub fn finish(self) -> impl Iterator<Item = Batch> {
        let mut all = self.others;
        all.push(self.recent);
        all.sort_by_key(BatchBuilder::window_start);
        all.into_iter().filter_map(BatchBuilder::finish)
    }

    fn select_other(&mut self, time: i64) -> Option<Batch> {
        let span = self.recent.limits().span_ms?;
        let origin = *self.origin.get_or_insert_with(|| {
            let origin = origin(self.recent.range(), span);
            self.recent.restrict_to(window(origin, origin, span));
            origin
        });
        let known = self.others.iter().position(|open| open.takes(time));
        let next = match known {
            Some(index) => self.others.remove(index),
            None => self.recent.new_for_window(window(origin, time, span)),
        };
        let before = mem::replace(&mut self.recent, next);
        self.others.push(before);
        if self.others.len() < MAX_WINDOWS {
            return None;
        }
        self.others.remove(0).finish()
    }
}

/// The start of the window for a batch that accepts these times. The items lie in the middle of the
/// range, and then also in the middle of the window.
fn origin(range: Times, span: i64) -> i64 {
    let (start, end) = (i128::from(range.start), i128::from(range.end));
    clamped((start + end + 1 - i128::from(span)).div_euclid(2))
}

/// The window of a time, if one window starts at `origin`.
fn window(origin: i64, time: i64, span: i64) -> Times {
    let (origin, span) = (i128::from(origin), i128::from(span));
    let start = origin + (i128::from(time) - origin).div_euclid(span) * span;
    Times {
        start: clamped(start),
        end: clamped(start + span - 1),
    }
}

fn clamped(time: i128) -> i64 {
    let (min, max) = (i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(time.clamp(min, max)).unwrap_or_default()
}

/// Maximum number of open batches of one target. CloudWatch Logs accepts events from 14 days ago to
/// 2 hours ahead; this many windows of 24 hours cover that period.
pub const MAX_WINDOWS: usize = 16;

#[cfg(test)]
mod tests;
