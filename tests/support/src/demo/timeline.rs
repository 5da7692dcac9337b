//! When records were offered, accepted, and offered in vain.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::aws::{Account, Call, digest};

/// The operations that deliver, in the order of [`KINDS`].
pub(super) const WRITES: [&str; 3] = ["PutLogEvents", "PutRecordBatch", "PutRecords"];
/// The code by which the poisoned event is refused.
pub(super) const REFUSED: &str = "InvalidParameterException";
/// The outputs.
pub(super) const KINDS: [&str; 3] = ["cloudwatch", "firehose", "kinesis"];

/// Counts records by the time at which they were written.
pub(super) struct Offered {
    began: Instant,
    buckets: Mutex<Vec<u64>>,
}

/// Three counts for each interval of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// The length of an interval.
    pub(super) step: Duration,
    /// Records that the containers wrote.
    pub(super) offered: Vec<u64>,
    /// Records that the services accepted.
    pub(super) accepted: Vec<u64>,
    /// Records in requests that the services did not accept, and which are sent again.
    pub(super) retried: Vec<u64>,
}

impl Offered {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    /// The time 0.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Counts a record now.
    pub(super) fn add(&self) {
        let place = index(self.began.elapsed(), FINE);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut buckets, place, 1);
    }

    /// The timeline up to now, in intervals of a length that shows well.
    pub(super) fn timeline(&self, account: &Account) -> Timeline {
        let lasted = self.began.elapsed();
        let step = if lasted > LONG { COARSE } else { FINE };
        let mut timeline = Timeline {
            step,
            ..Timeline::default()
        };
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, count) in buckets.iter().enumerate() {
            let at = FINE * u32::try_from(place).unwrap_or(u32::MAX);
            add(&mut timeline.offered, index(at, step), *count);
        }
        for call in account.calls().filter(|call| is_write(call)) {
            let at = call.ended.unwrap_or(call.started);
            let at = index(at.saturating_duration_since(self.began), step);
            let list = if call.succeeded() {
                &mut timeline.accepted
            } else {
                &mut timeline.retried
            };
            add(list, at, call.items as u64);
        }
        timeline.extend(index(lasted, step) + 1);
        timeline
    }
}

impl Timeline {
    /// Makes all lists as long as the run.
    fn extend(&mut self, length: usize) {
        let lists = [&mut self.offered, &mut self.accepted, &mut self.retried];
        lists.into_iter().for_each(|list| list.resize(length, 0));
    }
}

/// How many records are in requests that failed and have not been accepted since, as they were sent.
/// Requests that were refused for what they hold are sent in other parts, and do not count.
pub(super) fn in_retry(account: &Account, lacking: usize) -> usize {
    let mut accepted = HashSet::new();
    let mut failed = HashSet::new();
    let mut items = 0;
    let calls = account.calls().filter(|call| is_write(call));
    let calls: Vec<_> = calls.filter(|call| call.ended.is_some()).collect();
    for call in calls.iter().rev() {
        let body = digest(&call.body);
        if call.succeeded() {
            accepted.insert(body);
        } else if call.code.as_deref() != Some(REFUSED)
            && !accepted.contains(&body)
            && failed.insert(body)
        {
            items += call.items;
        }
    }
    items.min(lacking)
}

/// Whether a call delivers.
pub(super) fn is_write(call: &Call) -> bool {
    WRITES.contains(&call.operation.as_str())
}

fn index(at: Duration, step: Duration) -> usize {
    usize::try_from(at.as_millis() / step.as_millis()).unwrap_or(0)
}

fn add(list: &mut Vec<u64>, place: usize, count: u64) {
    if list.len() <= place {
        list.resize(place + 1, 0);
    }
    list[place] += count;
}

const FINE: Duration = Duration::from_millis(50);
const COARSE: Duration = Duration::from_millis(500);
/// A run from which on the intervals are coarse.
const LONG: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_a_timeline_are_equally_long_and_hold_what_was_offered() {
        let offered = Offered::new();
        (0..5).for_each(|_| offered.add());
        let service = crate::aws::StandIn::start();
        let timeline = service.look(|account| offered.timeline(account));
        assert_eq!(timeline.offered.iter().sum::<u64>(), 5);
        assert_eq!(timeline.accepted.len(), timeline.offered.len());
        assert_eq!(timeline.retried.len(), timeline.offered.len());
        assert_eq!(timeline.retried.iter().sum::<u64>(), 0);
    }
}
