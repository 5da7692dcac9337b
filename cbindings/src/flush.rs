//! A chunk borrowed from Fluent Bit, until it is answered.
//!
//! The caller of flush waits until its [`Flush`] is dropped, so the chunk is read where Fluent Bit
//! keeps it and never copied. An unanswered flush, as after a panic, is a retry: Fluent Bit still
//! has the chunk.

mod cancellation;

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::{fmt, slice};

use self::cancellation::State;
use crate::abi;
use crate::engine::Waker;
use crate::log_queue::LogQueue;
use crate::metrics;

pub use self::cancellation::Cancellation;

/// What becomes of a chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Every record was accepted, or refused for good and said so.
    Done,
    /// The host gives the chunk up.
    Drop,
    /// The host brings the chunk again, as often as its `Retry_Limit` allows.
    Retry,
}

impl Verdict {
    /// The host's number for it.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Done => abi::FLB_OK,
            Self::Drop => abi::FLB_ERROR,
            Self::Retry => abi::FLB_RETRY,
        }
    }
}

/// What Fluent Bit made of the answer to a flush.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'c> {
    /// It took a verdict other than [`Verdict::Retry`]: it does not flush the chunk again.
    Taken,
    /// It ended before it took the answer, or the answer was a retry: it may flush the chunk again.
    Open {
        /// The tag.
        tag: &'c [u8],
        /// The chunk.
        chunk: &'c [u8],
    },
}

/// What is done with the outcome of a flush.
pub type OnOutcome = Box<dyn FnOnce(Outcome<'_>) + Send>;

/// Where Fluent Bit has a chunk.
#[derive(Clone, Debug)]
pub(crate) struct Loan {
    data: *const u8,
    len: usize,
    tag: Arc<[u8]>,
}

impl Loan {
    /// The chunk, whose flush Fluent Bit will not end by our answer.
    ///
    /// # Safety
    ///
    /// As [`Loan::chunk`].
    pub(crate) unsafe fn outcome(&self) -> Outcome<'_> {
        Outcome::Open {
            tag: &self.tag,
            // SAFETY: promised by the caller.
            chunk: unsafe { self.chunk() },
        }
    }

    /// The bytes.
    ///
    /// # Safety
    ///
    /// Fluent Bit leaves them readable and unchanged for as long as `self` is borrowed.
    unsafe fn chunk(&self) -> &[u8] {
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: not null, and readable and unchanged by this function's promise.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

/// One flush: a chunk of records and the tag they share. Dropping it answers the host.
#[derive(Debug)]
pub struct Flush {
    loan: Loan,
    verdict: AtomicI32,
    answer: Arc<Answer>,
    pub(crate) on_engine_thread: bool,
    pub(crate) yields: bool,
}

// SAFETY: the chunk is only read, and the host leaves it unchanged on whatever thread until the
// caller, who waits for this value's drop, returns.
unsafe impl Send for Flush {}
// SAFETY: as above; shared reading of unchanging memory.
unsafe impl Sync for Flush {}

impl Flush {
    /// Lends the chunk out and returns where its answer will be.
    ///
    /// # Safety
    ///
    /// `data` is readable for `len` bytes, or null with `len` 0, and stays unchanged until the
    /// returned [`Answer`] has a verdict.
    pub(crate) unsafe fn lend(
        data: *const u8,
        len: usize,
        tag: &[u8],
        queue: Arc<LogQueue>,
    ) -> (Self, Arc<Answer>) {
        let answer = Arc::new(Answer {
            code: AtomicI32::new(PENDING),
            queue,
            waker: OnceLock::new(),
            cancellation: Arc::default(),
            on_outcome: Mutex::default(),
        });
        let flush = Self {
            loan: Loan {
                data,
                len,
                tag: tag.into(),
            },
            verdict: AtomicI32::new(abi::FLB_RETRY),
            answer: answer.clone(),
            on_engine_thread: false,
            yields: false,
        };
        (flush, answer)
    }

    /// The chunk: msgpack records one after another.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        // SAFETY: readable and unchanged until this value is dropped (`lend`).
        unsafe { self.loan.chunk() }
    }

    /// The tag, as the host gave it.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        &self.loan.tag
    }

    /// Where Fluent Bit has the chunk.
    pub(crate) fn loan(&self) -> Loan {
        self.loan.clone()
    }

    /// Whether Fluent Bit waits on the thread that runs its engine, and stands still meanwhile: the
    /// output has no worker threads, and its flushes cannot yield.
    #[must_use]
    pub fn blocks_the_engine(&self) -> bool {
        self.on_engine_thread && !self.yields
    }

    /// Whether a thread of Fluent Bit's cannot end before this flush is answered. Fluent Bit joins its
    /// worker threads when it ends, and each one waits for all of its flushes.
    #[must_use]
    pub fn holds_up_the_end(&self) -> bool {
        !(self.on_engine_thread && self.yields)
    }

    /// Whether Fluent Bit ends and wants the chunk back; to be asked before each step.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        Cancellation::new(self.answer.cancellation.clone())
    }

    /// Does this when Fluent Bit has taken the answer, or has ended without taking it. Runs on a thread
    /// of Fluent Bit's, maybe on a stack of 24 KiB, so it must be short.
    pub fn on_outcome(&self, action: OnOutcome) {
        *self.answer.lock_on_outcome() = Some(action);
    }

    /// Answers the host.
    pub fn answer(self, verdict: Verdict) {
        self.settle(verdict);
    }

    /// Settles what the host is answered when this value is dropped.
    pub fn settle(&self, verdict: Verdict) {
        self.verdict.store(verdict.code(), Ordering::Relaxed);
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.answer.give(self.verdict.load(Ordering::Relaxed));
    }
}

/// Where the waiting caller finds the verdict.
pub(crate) struct Answer {
    code: AtomicI32,
    queue: Arc<LogQueue>,
    /// What resumes the caller, where it yielded.
    waker: OnceLock<Arc<Waker>>,
    cancellation: Arc<State>,
    on_outcome: Mutex<Option<OnOutcome>>,
}

impl Answer {
    /// The verdict's code, once it is there and the chunk is not read any more.
    pub(crate) fn code(&self) -> Option<i32> {
        match self.code.load(Ordering::Acquire) {
            PENDING => None,
            code => Some(code),
        }
    }

    /// Has this woken by the verdict, and by lines of the instance's log.
    pub(crate) fn set_waker(&self, waker: &Arc<Waker>) {
        drop(self.waker.set(waker.clone()));
        // A verdict is announced under the queue's lock: it comes after this and sees the waker, or it
        // came before this, and the caller sees it.
        self.queue.set_waker(waker);
    }

    /// Asks the delivery to release the chunk.
    pub(crate) fn cancel(&self) {
        self.cancellation.cancel();
    }

    /// Waits for the verdict on the host's thread, printing the instance's lines and doing something
    /// else meanwhile.
    pub(crate) fn wait(&self, meanwhile: impl Fn()) -> i32 {
        self.queue
            .drain_until(|| self.code(), metrics::EVERY, meanwhile)
    }

    /// Does what the delivery wants done with the outcome.
    pub(crate) fn end(&self, outcome: Outcome<'_>) {
        let action = self.lock_on_outcome().take();
        if let Some(action) = action {
            action(outcome);
        }
    }

    fn lock_on_outcome(&self) -> MutexGuard<'_, Option<OnOutcome>> {
        self.on_outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, code: i32) {
        self.queue
            .notify(|| self.code.store(code, Ordering::Release));
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// No verdict yet; not a code of the host's.
const PENDING: i32 = -1;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::host_api::HostLog;

    /// Lends a chunk to another thread, which does this with it; the verdict.
    fn lent(chunk: &[u8], job: impl FnOnce(Flush) + Send + 'static) -> i32 {
        let queue = LogQueue::new(HostLog::muted());
        let (data, len) = (chunk.as_ptr(), chunk.len());
        // SAFETY: the chunk is borrowed until the answer has come.
        let (flush, answer) = unsafe { Flush::lend(data, len, b"tag", queue) };
        let worker = thread::spawn(move || job(flush));
        let code = answer.wait(|| ());
        assert!(worker.join().is_ok());
        code
    }

    #[test]
    fn a_chunk_is_read_where_it_is_and_answered_once_all_shares_are_dropped() {
        let chunk: Vec<u8> = (0..200).collect();
        let code = lent(&chunk, |flush| {
            let flush = Arc::new(flush);
            let other = flush.clone();
            let reader = thread::spawn(move || other.chunk().iter().map(|&b| u32::from(b)).sum());
            assert_eq!((flush.tag(), flush.chunk().len()), (&b"tag"[..], 200));
            flush.settle(Verdict::Done);
            drop(flush);
            assert_eq!(reader.join().ok(), Some(19_900_u32));
        });
        assert_eq!(code, abi::FLB_OK);
    }

    #[test]
    fn what_is_not_answered_is_a_retry() {
        assert_eq!(lent(b"", drop), abi::FLB_RETRY);
        assert_eq!(
            lent(b"x", |flush| flush.answer(Verdict::Drop)),
            abi::FLB_ERROR
        );
    }
}
