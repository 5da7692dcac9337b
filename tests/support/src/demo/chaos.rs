//! What goes wrong in `make demo CHAOS=1`, and when.

use std::env;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::feed::Feed;
use super::router::Router;
use super::timeline::{REFUSED, WRITES};
use crate::aws::{Action, ErrorAnswer, Rule, StandIn, Stream};

/// The faults of a run, as far as they have begun.
#[derive(Default)]
pub(super) struct Chaos {
    marks: Mutex<Vec<Mark>>,
    deleted: Mutex<Vec<Deleted>>,
}

/// A fault on the timeline.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) name: String,
    pub(super) from: Instant,
    /// `None` while it lasts.
    pub(super) to: Option<Instant>,
}

/// A log stream that was deleted, with what had arrived in it.
#[derive(Clone, Debug)]
pub(super) struct Deleted {
    pub(super) group: String,
    pub(super) stream: String,
    pub(super) held: Stream,
}

/// What a step does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    Throttle,
    Errors,
    Resets,
    Deletion,
    Silence,
    Reload,
}

impl Chaos {
    /// Whether `CHAOS` in the environment asks for it.
    ///
    /// # Errors
    ///
    /// When its value is neither empty, 0 nor 1.
    pub(super) fn wanted() -> Result<Option<Self>, Failure> {
        match env::var("CHAOS").unwrap_or_default().as_str() {
            "" | "0" => Ok(None),
            "1" => Ok(Some(Self::default())),
            other => Err(format!("CHAOS is 0 or 1, not {other}"))?,
        }
    }

    /// Takes every step at its time, until all are taken.
    pub(super) fn play(
        &self,
        aws: &StandIn,
        feed: &Feed<'_>,
        router: &Router,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        for (fault, at, lasts) in STEPS {
            sleep_until(began + Duration::from_millis(*at));
            let place = self.begin(fault.name());
            match fault {
                Fault::Throttle => aws.set_script(script(Some(throttled()))),
                Fault::Errors => aws.set_script(script(Some(failed()))),
                Fault::Resets => aws.set_script(script(Some(Action::Reset))),
                Fault::Silence => aws.set_script(script(Some(Action::Hang))),
                Fault::Deletion => self.delete(aws),
                Fault::Reload => {
                    let what = feed.pause.during(|| router.reload())?;
                    self.rename(place, what);
                }
            }
            thread::sleep(Duration::from_millis(*lasts));
            aws.set_script(script(None));
            self.end(place);
        }
        Ok(())
    }

    /// What lasts now, for the live line.
    pub(super) fn now(&self) -> String {
        let marks = self.marks();
        let lasting = marks.iter().filter(|mark| mark.to.is_none());
        let names: Vec<_> = lasting.map(|mark| mark.name.clone()).collect();
        names.join(", ")
    }

    /// All that went wrong so far.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.clone()
    }

    /// The log streams that were deleted.
    pub(super) fn deleted(&self) -> Vec<Deleted> {
        let deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted.clone()
    }

    /// How many events were in them.
    pub(super) fn deleted_events(&self) -> usize {
        let deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted
            .iter()
            .map(|deleted| deleted.held.events.len())
            .sum()
    }

    /// Notes that something begins now; returns its place.
    pub(super) fn begin(&self, name: &str) -> usize {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.push(Mark {
            name: name.to_owned(),
            from: Instant::now(),
            to: None,
        });
        marks.len() - 1
    }

    /// Notes that it is over.
    pub(super) fn end(&self, place: usize) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks[place].to = Some(Instant::now());
    }

    fn rename(&self, place: usize, name: String) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks[place].name = name;
    }

    /// Deletes the log stream that has most events, and keeps what it held for the account.
    fn delete(&self, aws: &StandIn) {
        let count = |(group, stream): &(String, String)| aws.events(group, stream).len();
        let Some((group, stream)) = aws.streams().into_iter().max_by_key(count) else {
            return;
        };
        if let Some(held) = aws.delete_stream(&group, &stream) {
            let deleted = Deleted {
                group,
                stream,
                held,
            };
            let mut all = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(deleted);
        }
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttled",
            Self::Errors => "HTTP 500",
            Self::Resets => "resets",
            Self::Deletion => "log stream deleted",
            Self::Silence => "silence",
            Self::Reload => "reload",
        }
    }
}

/// The rules of the service while this befalls every write, or nothing does but the refusal of the
/// poisoned event.
pub(super) fn script(action: Option<Action>) -> Vec<Rule> {
    let on = |action: &Action| WRITES.map(|write| Rule::on(write, action.clone()).forever());
    let poison = Rule::poison(POISON, REFUSED);
    let others = action.iter().flat_map(on);
    others.chain([poison]).collect()
}

fn throttled() -> Action {
    Action::Error(ErrorAnswer::new(
        400,
        "ThrottlingException",
        "Rate exceeded",
    ))
}

fn failed() -> Action {
    Action::Error(ErrorAnswer::new(500, "InternalFailure", "try again"))
}

/// The plan is one of times: nothing is waited for but the clock.
fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

/// What happens, at how many milliseconds, and how long it lasts.
const STEPS: &[(Fault, u64, u64)] = &[
    (Fault::Throttle, 2_000, 3_000),
    (Fault::Errors, 6_000, 2_000),
    (Fault::Resets, 9_000, 1_500),
    (Fault::Deletion, 15_000, 0),
    (Fault::Silence, 17_000, 4_000),
    (Fault::Reload, 23_500, 0),
];
/// How long the containers write.
pub(super) const DURATION: Duration = Duration::from_secs(28);
/// The part of the lines that is written before the poisoned one.
pub(super) const POISON_AFTER: f64 = 12.0 / 28.0;
/// The line that the service refuses.
pub(super) const POISON: &str = "poisoned: the service refuses this event";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_over_before_the_next_and_all_before_the_last_line() {
        let mut free = 0;
        for (fault, at, lasts) in STEPS {
            assert!(*at >= free, "{fault:?}");
            free = at + lasts;
        }
        assert!(Duration::from_millis(free) < DURATION);
    }
}
