//! How many chunks hold a request's body at once.
//!
//! The host's threads bring chunks as fast as it has them, and each delivery holds a megabyte. A
//! service that answers at once is kept busy by a few; one that takes its time needs all of them on
//! their way, so where answers are slow nobody waits here, and a chunk may hold several.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// Lets deliveries pass, a few at a time.
#[derive(Debug)]
pub struct Gate {
    places: Semaphore,
    /// How long the last ones took, in microseconds; each new one moves it by an eighth.
    usual: AtomicU64,
}

/// The gate that all sections of a process share.
pub static GATE: Gate = Gate::new();

/// A delivery that has passed; the next one may when this is dropped.
#[derive(Debug)]
pub struct Passed<'g> {
    gate: &'g Gate,
    began: Instant,
    is_slow: bool,
    _place: Option<SemaphorePermit<'g>>,
}

impl Gate {
    const fn new() -> Self {
        Self {
            places: Semaphore::const_new(AT_ONCE),
            usual: AtomicU64::new(0),
        }
    }

    /// Waits for a place, at most 50 ms: one that hangs holds up no other.
    pub async fn pass(&self) -> Passed<'_> {
        let is_slow = Duration::from_micros(self.usual.load(Relaxed)) > SLOW;
        let place = match is_slow {
            true => self.places.try_acquire().ok(),
            false => timeout(PATIENCE, self.places.acquire())
                .await
                .ok()
                .and_then(Result::ok),
        };
        Passed {
            gate: self,
            began: Instant::now(),
            is_slow,
            _place: place,
        }
    }
}

impl Passed<'_> {
    /// How many requests of the chunk are worth being on their way together: more where answers are
    /// slow, and the memory for them is not used up in waiting for the processor.
    #[must_use]
    pub fn requests(&self, quick: usize, slow: usize) -> usize {
        if self.is_slow { slow } else { quick }
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        let took = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let usual = self.gate.usual.load(Relaxed);
        // Two at the same moment may count as one: it is an estimate.
        self.gate.usual.store(usual - usual / 8 + took / 8, Relaxed);
    }
}

/// One that is encoded, and one whose answer is awaited.
const AT_ONCE: usize = 2;
/// A service beyond the machine's own network, or a busy machine.
const SLOW: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_passes_when_one_is_done_or_hangs() {
        let gate = Gate::new();
        let mut passed = Vec::new();
        let began = Instant::now();
        for _ in 0..AT_ONCE {
            passed.push(gate.pass().await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        passed.push(gate.pass().await);
        assert_eq!(began.elapsed(), PATIENCE);
        drop(passed.remove(0));
        drop(gate.pass().await);
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_answers_are_slow() {
        let gate = Gate::new();
        for _ in 0..20 {
            let passed = gate.pass().await;
            tokio::time::advance(SLOW * 4).await;
            drop(passed);
        }
        let began = Instant::now();
        let mut passed = Vec::new();
        for _ in 0..2 * AT_ONCE {
            passed.push(gate.pass().await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(passed[0].requests(1, 4), 4);
        drop(passed);
        for _ in 0..40 {
            drop(gate.pass().await);
        }
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(gate.pass().await);
        }
        assert_eq!(held[0].requests(1, 4), 1);
        drop(gate.pass().await);
        assert_eq!(began.elapsed(), PATIENCE);
    }
}
