use super::*;

const KEY: LogKey<'_> = LogKey {
    what: "dropped",
    part: "a",
    unit: "events",
};

fn due(limiter: &LogLimiter, key: LogKey<'_>, count: usize, now: Instant) -> Option<String> {
    let line = limiter.due(
        Level::Error,
        key,
        count,
        format_args!("dropped {count}"),
        now,
    );
    line.map(|(_, text)| text)
}

#[test]
fn the_first_line_is_logged_at_once_and_suppressed_lines_are_counted() {
    let (limiter, start) = (LogLimiter::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(due(&limiter, KEY, 2, at(0)).unwrap(), "dropped 2");
    assert_eq!(due(&limiter, KEY, 3, at(1)), None);
    assert_eq!(due(&limiter, KEY, 4, at(29)), None);
    let line = due(&limiter, KEY, 1, at(30)).unwrap();
    assert_eq!(
        line,
        "dropped 1 (and 7 events more since the last such line)"
    );
    assert_eq!(due(&limiter, KEY, 1, at(59)), None);
    assert_eq!(
        due(&limiter, KEY, 1, at(60)).unwrap(),
        "dropped 1 (and 1 event more since the last such line)"
    );
}

#[test]
fn another_key_is_logged_at_once() {
    let (limiter, now) = (LogLimiter::default(), Instant::now());
    assert!(due(&limiter, KEY, 1, now).is_some());
    assert!(due(&limiter, LogKey { part: "b", ..KEY }, 1, now).is_some());
    let many = (0..1000).filter(|n| {
        let part = n.to_string();
        due(&limiter, LogKey { part: &part, ..KEY }, 1, now).is_some()
    });
    assert!(many.count() <= MAX_KEYS);
}

#[test]
fn suppressed_lines_are_logged_when_no_line_follows() {
    let (limiter, now) = (LogLimiter::default(), Instant::now());
    for count in [1, 2, 3] {
        drop(due(&limiter, KEY, count, now));
    }
    assert!(limiter.take_due(now, false).is_empty());
    let expected = "dropped 3 (and 2 events more since the last such line)".to_owned();
    assert_eq!(
        limiter.take_due(now + EVERY, false),
        [(Level::Error, expected)]
    );
    assert!(limiter.take_due(now + EVERY * 2, false).is_empty());
    drop(due(&limiter, KEY, 4, now + EVERY * 2));
    drop(due(&limiter, KEY, 5, now + EVERY * 2));
    assert_eq!(limiter.take_due(now + EVERY * 2, true).len(), 1);
}

const RETRY: LogKey<'_> = LogKey {
    what: "retry",
    part: "",
    unit: "chunks",
};

fn postponed(limiter: &LogLimiter, chunk: u64, now: Instant) -> Option<String> {
    let chunk = Chunk(1, chunk);
    let text = format_args!("{} waits", chunk.1);
    let line = limiter.postponed(Level::Warn, RETRY, chunk, text, now);
    line.map(|(_, text)| text)
}

fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn the_suppressed_line_of_a_delivered_chunk_is_discarded() {
    let (limiter, now) = (LogLimiter::default(), Instant::now());
    assert_eq!(postponed(&limiter, 1, now).unwrap(), "1 waits");
    for chunk in [2, 3, 4, 3] {
        assert_eq!(postponed(&limiter, chunk, now), None);
    }
    assert!(limiter.may_wait(1) && !limiter.may_wait(2));
    limiter.delivered(Chunk(1, 3));
    let expected = ["4 waits (and 1 chunk more since the last such line)"];
    assert_eq!(texts(limiter.take_due(now + EVERY, false)), expected);
    assert_eq!(postponed(&limiter, 5, now + EVERY), None);
    limiter.delivered(Chunk(1, 5));
    assert!(limiter.take_due(now + EVERY * 2, true).is_empty());
    assert!(limiter.lock().is_empty());
}

#[test]
fn all_waiting_chunks_are_counted_and_the_kept_lines_are_bounded() {
    let (limiter, now) = (LogLimiter::default(), Instant::now());
    for chunk in 0..1000 {
        drop(postponed(&limiter, chunk, now));
    }
    let states = limiter.lock();
    assert!(
        states
            .values()
            .all(|state| state.waiting.len() == MAX_WAITING)
    );
    drop(states);
    let expected = ["999 waits (and 998 chunks more since the last such line)"];
    assert_eq!(texts(limiter.take_due(now, true)), expected);
}

#[test]
fn withdraw_discards_the_lines_of_its_subject_only() {
    let (limiter, now) = (LogLimiter::default(), Instant::now());
    for _ in 0..3 {
        drop(due(&limiter, KEY, 1, now));
        drop(postponed(&limiter, 1, now));
    }
    limiter.withdraw("retry");
    let expected = ["dropped 1 (and 1 event more since the last such line)"];
    assert_eq!(texts(limiter.take_due(now, true)), expected);
}
