use super::*;

const KIND: LogKey<'_> = LogKey {
    what: "dropped",
    part: "a",
    unit: "events",
};

fn due(notices: &LogLimiter, kind: LogKey<'_>, count: usize, now: Instant) -> Option<String> {
    let line = notices.due(
        Level::Error,
        kind,
        count,
        format_args!("dropped {count}"),
        now,
    );
    line.map(|(_, text)| text)
}

#[test]
fn the_first_is_written_at_once_and_the_others_are_counted() {
    let (notices, start) = (LogLimiter::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(due(&notices, KIND, 2, at(0)).unwrap(), "dropped 2");
    assert_eq!(due(&notices, KIND, 3, at(1)), None);
    assert_eq!(due(&notices, KIND, 4, at(29)), None);
    let told = due(&notices, KIND, 1, at(30)).unwrap();
    assert_eq!(
        told,
        "dropped 1 (and 7 events more since the last such line)"
    );
    assert_eq!(due(&notices, KIND, 1, at(59)), None);
    assert_eq!(
        due(&notices, KIND, 1, at(60)).unwrap(),
        "dropped 1 (and 1 event more since the last such line)"
    );
}

#[test]
fn another_kind_is_written_at_once() {
    let (notices, now) = (LogLimiter::default(), Instant::now());
    assert!(due(&notices, KIND, 1, now).is_some());
    assert!(due(&notices, LogKey { part: "b", ..KIND }, 1, now).is_some());
    let many = (0..1000).filter(|n| {
        let part = n.to_string();
        due(
            &notices,
            LogKey {
                part: &part,
                ..KIND
            },
            1,
            now,
        )
        .is_some()
    });
    assert!(many.count() <= MOST_KINDS);
}

#[test]
fn what_was_left_out_is_told_also_when_nothing_follows() {
    let (notices, now) = (LogLimiter::default(), Instant::now());
    for count in [1, 2, 3] {
        drop(due(&notices, KIND, count, now));
    }
    assert!(notices.reminders(now, false).is_empty());
    let expected = "dropped 3 (and 2 events more since the last such line)".to_owned();
    assert_eq!(
        notices.reminders(now + EVERY, false),
        [(Level::Error, expected)]
    );
    assert!(notices.reminders(now + EVERY * 2, false).is_empty());
    drop(due(&notices, KIND, 4, now + EVERY * 2));
    drop(due(&notices, KIND, 5, now + EVERY * 2));
    assert_eq!(notices.reminders(now + EVERY * 2, true).len(), 1);
}

const RETRY: LogKey<'_> = LogKey {
    what: "retry",
    part: "",
    unit: "chunks",
};

fn postponed(notices: &LogLimiter, chunk: u64, now: Instant) -> Option<String> {
    let chunk = Chunk(1, chunk);
    let text = format_args!("{} waits", chunk.1);
    let line = notices.postponed(Level::Warn, RETRY, chunk, text, now);
    line.map(|(_, text)| text)
}

fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_line_of_a_chunk_that_is_delivered_since_is_withdrawn() {
    let (notices, now) = (LogLimiter::default(), Instant::now());
    assert_eq!(postponed(&notices, 1, now).unwrap(), "1 waits");
    for chunk in [2, 3, 4, 3] {
        assert_eq!(postponed(&notices, chunk, now), None);
    }
    assert!(notices.may_wait(1) && !notices.may_wait(2));
    notices.delivered(Chunk(1, 3));
    let told = ["4 waits (and 1 chunk more since the last such line)"];
    assert_eq!(texts(notices.reminders(now + EVERY, false)), told);
    assert_eq!(postponed(&notices, 5, now + EVERY), None);
    notices.delivered(Chunk(1, 5));
    assert!(notices.reminders(now + EVERY * 2, true).is_empty());
    assert!(notices.lock().is_empty());
}

#[test]
fn chunks_that_wait_are_all_counted_and_their_lines_bounded() {
    let (notices, now) = (LogLimiter::default(), Instant::now());
    for chunk in 0..1000 {
        drop(postponed(&notices, chunk, now));
    }
    let states = notices.lock();
    assert!(
        states
            .values()
            .all(|state| state.waiting.len() == MOST_WAITING)
    );
    drop(states);
    let told = ["999 waits (and 998 chunks more since the last such line)"];
    assert_eq!(texts(notices.reminders(now, true)), told);
}

#[test]
fn what_is_over_is_withdrawn_and_losses_are_not() {
    let (notices, now) = (LogLimiter::default(), Instant::now());
    for _ in 0..3 {
        drop(due(&notices, KIND, 1, now));
        drop(postponed(&notices, 1, now));
    }
    notices.withdraw("retry");
    let told = ["dropped 1 (and 1 event more since the last such line)"];
    assert_eq!(texts(notices.reminders(now, true)), told);
}
