//! What was logged against what the service holds, event by event.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Tally;
use super::logged::{POISON, number};
use super::script::lines;
use crate::aws::{Call, StandIn};

/// The events of a script, and how often each may be there more often than it was logged.
#[derive(Debug, Default)]
pub(super) struct Balance {
    logged: HashMap<String, usize>,
    excused: HashMap<String, usize>,
    /// When the sections were killed; what was answered then or later is not known to the next one.
    kills: Vec<Instant>,
    /// When flushes ended without the whole chunk delivered, and of which chunk.
    given_up: Vec<(usize, Instant)>,
}

impl Balance {
    /// Adds an event that is logged.
    pub(super) fn add(&mut self, text: String) {
        *self.logged.entry(text).or_default() += 1;
    }

    /// Adds the time of a kill.
    pub(super) fn killed(&mut self, at: Instant) {
        self.kills.push(at);
    }

    /// Adds the time at which a flush of the chunk of this number ended with a part undelivered.
    pub(super) fn gave_up(&mut self, number: usize, at: Instant) {
        self.given_up.push((number, at));
    }

    /// The events of these chunks may be stored once more as often as they are stored now: the section
    /// that stored them is gone, and the next one does not know.
    pub(super) fn forgotten(&mut self, chunks: impl Iterator<Item = String>, stored: Vec<String>) {
        let mut stored = counted(stored);
        for text in chunks {
            if let Some(count) = stored.get_mut(&text).filter(|count| **count > 0) {
                *count -= 1;
                *self.excused.entry(text).or_default() += 1;
            }
        }
    }

    /// Compares, once all is done.
    pub(super) fn close(mut self, service: &StandIn, stored: Vec<String>) -> Tally {
        let mut unsure = service.calls();
        unsure.retain(|call| {
            let is_write =
                ["PutLogEvents", "PutRecordBatch", "PutRecords"].contains(&&*call.operation);
            is_write && (call.has_lost_its_answer(MARGIN) || self.is_unknown(call))
        });
        for text in unsure.iter().flat_map(texts) {
            *self.excused.entry(text).or_default() += 1;
        }
        let mut stored = counted(stored);
        let mut tally = Tally {
            scripts: 1,
            events: self.logged.values().sum(),
            ..Tally::default()
        };
        for (text, logged) in &self.logged {
            let stored = stored.remove(text).unwrap_or_default();
            let excused = self.excused.get(text).copied().unwrap_or_default();
            let (less, more) = (
                logged.saturating_sub(stored),
                stored.saturating_sub(*logged),
            );
            if text.contains(POISON) {
                tally.poisoned += less;
            } else {
                tally.lost += less;
            }
            tally.ambiguous += more.min(excused);
            tally.duplicated += more.saturating_sub(excused);
        }
        tally.duplicated += stored.values().sum::<usize>();
        tally
    }

    /// Whether a call was answered after a kill or the end of its flush, or so shortly before it that the
    /// plugin need not have noted the answer.
    fn is_unknown(&self, call: &Call) -> bool {
        let is_late = |end: &Instant| {
            let noted = call.ended.is_some_and(|ended| ended + MARGIN < *end);
            call.started < *end + MARGIN && !noted
        };
        let of_its_flush = |number: usize| chunk_of(call) == Some(number);
        let mut ends = self.given_up.iter().filter(|(_, at)| is_late(at));
        call.carried_out
            && (self.kills.iter().any(is_late) || ends.any(|(number, _)| of_its_flush(*number)))
    }
}

fn counted(texts: Vec<String>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

/// The number of the chunk of which a request held events.
fn chunk_of(call: &Call) -> Option<usize> {
    texts(call).first().and_then(|text| number(text))
}

/// The events that a request held.
fn texts(call: &Call) -> Vec<String> {
    let body: Value = serde_json::from_slice(&call.body).expect("a request that was accepted");
    let items = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let messages = items("logEvents").into_iter();
    let messages = messages.filter_map(|event| event["message"].as_str().map(str::to_owned));
    let records = items("Records").into_iter().filter_map(|record| {
        let data = record["Data"].as_str()?;
        base64_simd::STANDARD.decode_to_vec(data).ok()
    });
    let records = records.flat_map(|record| lines(&record));
    messages.chain(records).collect()
}

/// An answer takes this long at most from the stand-in to the plugin's notes.
const MARGIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn of(texts: &[&str]) -> Balance {
        let mut balance = Balance::default();
        stored(texts).into_iter().for_each(|text| balance.add(text));
        balance
    }

    #[test]
    fn what_is_missing_is_lost_unless_it_is_poisoned() {
        let service = StandIn::start();
        let poisoned = format!("1 chunk 0 line 1 {POISON}");
        let balance = of(&["1 chunk 0 line 0 ", &poisoned, "1 chunk 0 line 2 "]);
        let tally = balance.close(&service, stored(&["1 chunk 0 line 0 "]));
        assert_eq!((tally.lost, tally.poisoned, tally.duplicated), (1, 1, 0));
    }

    #[test]
    fn what_is_doubled_is_excused_for_its_own_event_alone() {
        let service = StandIn::start();
        let texts = ["1 chunk 0 line 0 ", "1 chunk 0 line 1 "];
        let mut balance = of(&texts);
        let before = stored(&texts[..1]);
        balance.forgotten(stored(&texts).into_iter(), before);
        let tally = balance.close(&service, stored(&[texts, texts].concat()));
        assert_eq!((tally.ambiguous, tally.duplicated, tally.lost), (1, 1, 0));
    }

    #[test]
    fn what_nobody_logged_is_doubled() {
        let service = StandIn::start();
        let tally = of(&[]).close(&service, stored(&["1 chunk 0 line 0 "]));
        assert_eq!((tally.duplicated, tally.is_clean()), (1, false));
    }
}
