//! Random times: each request stays within the limits, and the number of requests stays small.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const HEAD: &[u8] = b"{\"items\":[";
const SPAN: i64 = 1000;
const LIMITS: Limits = Limits {
    items: 50,
    bytes: 400,
    span_ms: Some(SPAN),
};

/// The batches of items with these times and sizes, in the order in which they are made.
fn batches(limits: Limits, items: &[(i64, usize)], only: Option<Arc<PendingItems>>) -> Vec<Batch> {
    let mut windows = Windows::new(limits, HEAD, only);
    let mut batches = Vec::new();
    for (ordinal, (time, bytes)) in items.iter().enumerate() {
        batches.extend(windows.choose(*time));
        let open = windows.chosen();
        let start = open.body().len();
        open.body()
            .extend_from_slice(ordinal.to_string().as_bytes());
        batches.extend(open.add(start, *time, *bytes, ordinal as u32));
        assert!(windows.open() <= MAX_WINDOWS);
    }
    batches.extend(windows.finish());
    batches
}

fn one_byte_each(times: impl IntoIterator<Item = i64>) -> Vec<(i64, usize)> {
    times.into_iter().map(|time| (time, 1)).collect()
}

fn check_limits(batch: &Batch) {
    let items = batch.items();
    let (oldest, newest) = (batch.oldest().unwrap(), batch.newest().unwrap());
    assert!(items.is_sorted_by_key(|item| item.time));
    assert!(newest - oldest < SPAN, "{oldest} to {newest}");
    assert!(items.len() <= LIMITS.items);
    assert!(batch.bytes() <= LIMITS.bytes || items.len() == 1);
    let ordinals: Vec<String> = items.iter().map(|item| item.ordinal.to_string()).collect();
    let expected = format!("{{\"items\":[{}]}}", ordinals.join(","));
    assert_eq!(batch.body(), expected.as_bytes());
}

/// Checks that each item is sent once, and that items of equal time keep their order.
fn check_items(items: &[(i64, usize)], batches: &[Batch]) {
    let mut by_time: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for item in batches.iter().flat_map(Batch::items) {
        by_time.entry(item.time).or_default().push(item.ordinal);
    }
    let mut expected: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (ordinal, (time, _)) in items.iter().enumerate() {
        expected.entry(*time).or_default().push(ordinal as u32);
    }
    assert_eq!(by_time, expected);
}

/// Checks that batches of different windows have no time in common.
fn check_windows(batches: &[Batch]) {
    for (index, batch) in batches.iter().enumerate() {
        for later in &batches[index + 1..] {
            let apart = batch.newest() < later.oldest() || later.newest() < batch.oldest();
            let same = batch.window() == later.window();
            assert!(apart || same || batch.window() == i64::MIN);
        }
    }
}

/// Times around one, near or far, and weights of which few are beyond the limit.
fn items() -> impl Strategy<Value = Vec<(i64, usize)>> {
    let range = prop::sample::select(vec![50_i64, 999, 3000, 20_000, 60_000]);
    range.prop_flat_map(|range| {
        let time = (-range..=range).prop_map(|away| 100_000 + away / 7 * 7);
        let bytes = prop_oneof![19 => 1..20_usize, 1 => Just(500)];
        prop::collection::vec((time, bytes), 0..400)
    })
}

proptest! {
    #[test]
    fn random_items_are_batched_once_in_order_within_the_limits(items in items()) {
        let batches = batches(LIMITS, &items, None);
        batches.iter().for_each(check_limits);
        check_items(&items, &batches);
        check_windows(&batches);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn random_times_take_one_batch_per_window(
        (windows, times) in (1..15_i64).prop_flat_map(|windows| {
            (Just(windows), prop::collection::vec(0..windows * SPAN, 2000))
        })
    ) {
        let limits = Limits {
            items: 10_000,
            bytes: 1_000_000,
            ..LIMITS
        };
        let items = one_byte_each(times.into_iter().map(|time| 50_000 + time));
        let batches = batches(limits, &items, None);
        let max = usize::try_from(windows).unwrap() + 1;
        assert!(batches.len() <= max, "{} for {windows} windows", batches.len());
        let starts: BTreeSet<i64> = batches.iter().map(Batch::window).collect();
        assert_eq!(starts.len(), batches.len(), "a batch for each window");
    }
}

#[test]
fn items_slightly_older_than_the_first_share_its_batch() {
    // The third item needs another batch. The other items are close together.
    for far in [-5 * SPAN, -SPAN, SPAN, 5 * SPAN] {
        let items = one_byte_each([0, 10, far, -20, 30, -40]);
        let batches = batches(LIMITS, &items, None);
        let mut sizes: Vec<usize> = batches.iter().map(|batch| batch.items().len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 5], "{far}");
    }
}

#[test]
fn the_least_recently_used_window_is_closed_first() {
    let max = MAX_WINDOWS as i64;
    let mut windows = Windows::new(LIMITS, HEAD, None);
    let mut add = |time: i64, ordinal| {
        let closed = windows.choose(time);
        let start = windows.chosen().body().len();
        windows.chosen().body().push(b'1');
        assert!(windows.chosen().add(start, time, 1, ordinal).is_none());
        closed
    };
    for window in 0..max {
        assert!(add(window * SPAN, 0).is_none());
    }
    assert!(add(0, 1).is_none());
    let closed = add(max * SPAN, 2).expect("there are more than there may be");
    assert_eq!(closed.oldest(), Some(SPAN));
    let rest: Vec<i64> = windows
        .finish()
        .filter_map(|batch| batch.oldest())
        .collect();
    let expected: Vec<i64> = (0..=max).filter(|n| *n != 1).map(|n| n * SPAN).collect();
    assert_eq!(rest, expected, "by windows");
}

#[test]
fn the_minimum_and_maximum_times_have_windows() {
    let times = [
        0,
        i64::MAX,
        i64::MIN,
        i64::MAX - SPAN,
        1,
        i64::MIN + 1,
        i64::MAX,
    ];
    let items = one_byte_each(times);
    let batches = batches(LIMITS, &items, None);
    check_items(&items, &batches);
    let span = |batch: &Batch| batch.newest().unwrap() - batch.oldest().unwrap();
    assert!(batches.iter().all(|batch| span(batch) < SPAN));
}

#[test]
fn only_pending_items_of_a_retried_chunk_are_batched() {
    let items = one_byte_each([0, 5 * SPAN, 1, 5 * SPAN + 1]);
    let pending = Arc::new(PendingItems::new(vec![1, 2]));
    let batches = batches(LIMITS, &items, Some(pending));
    let ordinals = |batch: &Batch| batch.items()[0].ordinal;
    assert_eq!(batches.iter().map(ordinals).collect::<Vec<_>>(), [2, 1]);
}
