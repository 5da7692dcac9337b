//! Batches at their limits, and subsets of a batch.

use std::sync::Arc;

use super::*;
use crate::delivery::ledger::PendingItems;

const HEAD: &[u8] = b"{\"items\":[";
const LIMITS: Limits = Limits {
    items: 3,
    bytes: 100,
    span_ms: Some(1000),
};

fn add(
    open: &mut BatchBuilder,
    text: &str,
    time: i64,
    bytes: usize,
    ordinal: u32,
) -> Option<Batch> {
    let start = open.body().len();
    open.body().extend_from_slice(text.as_bytes());
    open.add(start, time, bytes, ordinal)
}

fn text(batch: &Batch) -> String {
    String::from_utf8(batch.body().to_vec()).unwrap()
}

#[test]
fn items_are_written_to_one_body_in_order() {
    let mut open = BatchBuilder::new(LIMITS, HEAD, None);
    assert!(add(&mut open, "1", 5, 10, 0).is_none());
    assert!(add(&mut open, "2", 5, 10, 1).is_none());
    let batch = open.finish().unwrap();
    assert_eq!(text(&batch), r#"{"items":[1,2]}"#);
    assert_eq!(batch.bytes(), 20);
}

#[test]
fn an_item_that_does_not_fit_starts_the_next_batch() {
    for (bytes, time) in [(1, 0), (40, 0), (1, 1000), (1, -1000)] {
        let mut open = BatchBuilder::new(
            Limits {
                items: if bytes == 1 && time == 0 { 2 } else { 3 },
                ..LIMITS
            },
            HEAD,
            None,
        );
        add(&mut open, "1", 0, 30, 0);
        add(&mut open, "2", 0, 31, 1);
        let full = add(&mut open, "3", time, bytes, 2).expect("full");
        assert_eq!(text(&full), r#"{"items":[1,2]}"#);
        assert_eq!(text(&open.finish().unwrap()), r#"{"items":[3]}"#);
    }
}

#[test]
fn batches_are_divided_between_times_if_few_items_have_to_move() {
    let limits = Limits {
        items: 16,
        ..LIMITS
    };
    for (last, expected) in [(1, 15), (2, 14), (3, 16), (16, 16)] {
        let mut open = BatchBuilder::new(limits, HEAD, None);
        for n in 0..16 {
            let time = if n + last < 16 { n } else { 20 };
            assert!(add(&mut open, &n.to_string(), time, 2, n as u32).is_none());
        }
        let full = add(&mut open, "x", 20, 2, 16).expect("full");
        assert_eq!(full.items().len(), expected, "{last} of one time");
        assert!(add(&mut open, "y", 21, 2, 17).is_none());
        let rest = open.finish().unwrap();
        assert_eq!(rest.items().len(), 18 - expected);
        assert_eq!(rest.bytes(), 2 * (18 - expected));
        let mut whole = text(&full);
        whole.truncate(whole.len() - TAIL.len());
        whole = whole + "," + text(&rest).strip_prefix(r#"{"items":["#).unwrap();
        assert_eq!(
            whole,
            r#"{"items":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,x,y]}"#
        );
        let last = rest.part(&rest.items()[rest.items().len() - 2..]).unwrap();
        assert_eq!(text(&last), r#"{"items":[x,y]}"#);
    }
}

#[test]
fn a_batch_at_the_exact_limits_is_accepted() {
    let mut open = BatchBuilder::new(LIMITS, HEAD, None);
    assert!(add(&mut open, "1", 0, 50, 0).is_none());
    assert!(add(&mut open, "2", 999, 25, 1).is_none());
    assert!(add(&mut open, "3", 5, 25, 2).is_none());
    assert_eq!(open.finish().map(|batch| batch.items().len()), Some(3));
}

#[test]
fn items_are_sorted_by_time_and_keep_their_order_within_a_millisecond() {
    let mut open = BatchBuilder::new(LIMITS, HEAD, None);
    for (ordinal, (text, time)) in [("a", 7), ("b", 3), ("c", 7)].into_iter().enumerate() {
        add(&mut open, text, time, 1, ordinal as u32);
    }
    assert_eq!(text(&open.finish().unwrap()), r#"{"items":[b,a,c]}"#);
}

#[test]
fn items_without_a_span_keep_their_order() {
    let limits = Limits {
        span_ms: None,
        ..LIMITS
    };
    let mut open = BatchBuilder::new(limits, HEAD, None);
    add(&mut open, "a", 7, 1, 0);
    add(&mut open, "b", 3, 1, 1);
    let batch = open.finish().unwrap();
    assert_eq!(text(&batch), r#"{"items":[a,b]}"#);
    assert_eq!(
        text(&batch.part(batch.items()).unwrap()),
        r#"{"items":[a,b]}"#
    );
}

#[test]
fn a_subset_of_a_batch_has_its_own_body() {
    let mut open = BatchBuilder::new(LIMITS, HEAD, None);
    for (ordinal, text) in ["a", "b", "c"].into_iter().enumerate() {
        add(&mut open, text, 1, 1, ordinal as u32);
    }
    let batch = open.finish().unwrap();
    let items = [batch.items()[0], batch.items()[2]];
    assert_eq!(text(&batch.part(&items).unwrap()), r#"{"items":[a,c]}"#);
    let (older, newer) = batch.halves().unwrap();
    assert_eq!(
        (text(&older), text(&newer)),
        (r#"{"items":[a]}"#.into(), r#"{"items":[b,c]}"#.into())
    );
    assert!(older.halves().is_none());
    assert!(batch.part(&[]).is_none());
}

#[test]
fn only_pending_items_of_a_retried_chunk_are_batched() {
    let pending = Arc::new(PendingItems::new(vec![1, 3]));
    let mut open = BatchBuilder::new(LIMITS, HEAD, Some(pending));
    for (ordinal, text) in ["a", "b", "c", "d"].into_iter().enumerate() {
        assert!(add(&mut open, text, 1, 1, ordinal as u32).is_none());
    }
    assert_eq!(text(&open.finish().unwrap()), r#"{"items":[b,d]}"#);
}

#[test]
fn an_empty_builder_returns_no_batch() {
    assert!(BatchBuilder::new(LIMITS, HEAD, None).finish().is_none());
}
