//! Admission control: a soft limit on how many chunks hold request bodies in memory.
//!
//! Fluent Bit passes chunks as fast as it can, and each delivery holds about 1 MB. A service with low
//! latency is kept busy by a few concurrent deliveries. A service with high latency needs many requests
//! in flight, so the limit is off while latency is high, and a chunk may hold several requests.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// Admits deliveries, at most `MAX_ADMITTED` at a time while latency is low.
#[derive(Debug)]
pub struct AdmissionControl {
    permits: Semaphore,
    /// The moving average (EWMA, weight 1/8) of delivery times, in microseconds.
    ewma_latency: AtomicU64,
}

/// The admission control that all sections of a process share.
pub static ADMISSION: AdmissionControl = AdmissionControl::new();

/// An admitted delivery. Dropping it records its duration and admits the next one.
#[derive(Debug)]
pub struct Admission<'g> {
    control: &'g AdmissionControl,
    began: Instant,
    is_slow: bool,
    _permit: Option<SemaphorePermit<'g>>,
}

impl AdmissionControl {
    const fn new() -> Self {
        Self {
            permits: Semaphore::const_new(MAX_ADMITTED),
            ewma_latency: AtomicU64::new(0),
        }
    }

    /// Acquires a permit within 50 ms, or proceeds without one (soft limit), so that a delivery that hangs
    /// does not block others.
    pub async fn acquire(&self) -> Admission<'_> {
        let is_slow = Duration::from_micros(self.ewma_latency.load(Relaxed)) > SLOW;
        let permit = match is_slow {
            true => self.permits.try_acquire().ok(),
            false => timeout(MAX_WAIT, self.permits.acquire())
                .await
                .ok()
                .and_then(Result::ok),
        };
        Admission {
            control: self,
            began: Instant::now(),
            is_slow,
            _permit: permit,
        }
    }
}

impl Admission<'_> {
    /// How many requests of the chunk to encode and send together: `slow` while latency is high, else
    /// `quick`, as more bodies would then only wait for the processor.
    #[must_use]
    pub fn requests(&self, quick: usize, slow: usize) -> usize {
        if self.is_slow { slow } else { quick }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let took = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let ewma_latency = self.control.ewma_latency.load(Relaxed);
        // Concurrent updates may be lost; the average is an estimate.
        self.control
            .ewma_latency
            .store(ewma_latency - ewma_latency / 8 + took / 8, Relaxed);
    }
}

/// One delivery that encodes, and one that waits for a response.
const MAX_ADMITTED: usize = 2;
/// Average delivery time above which latency is high: a distant service or a busy machine.
const SLOW: Duration = Duration::from_millis(25);
/// The longest wait for a permit.
const MAX_WAIT: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_delivery_is_admitted_after_a_release_or_the_maximum_wait() {
        let control = AdmissionControl::new();
        let mut admissions = Vec::new();
        let began = Instant::now();
        for _ in 0..MAX_ADMITTED {
            admissions.push(control.acquire().await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        admissions.push(control.acquire().await);
        assert_eq!(began.elapsed(), MAX_WAIT);
        drop(admissions.remove(0));
        drop(control.acquire().await);
        assert_eq!(began.elapsed(), MAX_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn deliveries_do_not_wait_while_latency_is_high() {
        let control = AdmissionControl::new();
        for _ in 0..20 {
            let admission = control.acquire().await;
            tokio::time::advance(SLOW * 4).await;
            drop(admission);
        }
        let began = Instant::now();
        let mut admissions = Vec::new();
        for _ in 0..2 * MAX_ADMITTED {
            admissions.push(control.acquire().await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(admissions[0].requests(1, 4), 4);
        drop(admissions);
        for _ in 0..40 {
            drop(control.acquire().await);
        }
        let mut held = Vec::new();
        for _ in 0..MAX_ADMITTED {
            held.push(control.acquire().await);
        }
        assert_eq!(held[0].requests(1, 4), 1);
        drop(control.acquire().await);
        assert_eq!(began.elapsed(), MAX_WAIT);
    }
}
