//! A flush: a chunk borrowed from Fluent Bit until the flush is answered.
//!
//! The caller of flush waits until the [`Flush`] is dropped, so the chunk is read in Fluent Bit's memory
//! and never copied. A flush without a verdict, for example after a panic, is a retry: Fluent Bit still
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

/// The verdict on a chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Every record was accepted, or was rejected for good and logged.
    Done,
    /// Fluent Bit drops the chunk.
    Drop,
    /// Fluent Bit retries the chunk, up to its `Retry_Limit`.
    Retry,
}

impl Verdict {
    /// Fluent Bit's number of the verdict.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Done => abi::FLB_OK,
            Self::Drop => abi::FLB_ERROR,
            Self::Retry => abi::FLB_RETRY,
        }
    }
}

/// What Fluent Bit did with the answer to a flush.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'c> {
    /// It took a verdict other than [`Verdict::Retry`] and will not flush the chunk again.
    Taken,
    /// It shut down before it took the answer, or the answer was a retry. It may flush the chunk again.
    Open {
        /// The tag.
        tag: &'c [u8],
        /// The chunk.
        chunk: &'c [u8],
    },
}

/// A callback with the outcome of a flush.
pub type OnOutcome = Box<dyn FnOnce(Outcome<'_>) + Send>;

/// The address of a chunk in Fluent Bit's memory, and its tag.
#[derive(Clone, Debug)]
pub(crate) struct BorrowedChunk {
    data: *const u8,
    len: usize,
    tag: Arc<[u8]>,
}

impl BorrowedChunk {
    /// The outcome [`Outcome::Open`] of this chunk.
    ///
    /// # Safety
    ///
    /// As [`BorrowedChunk::chunk`].
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

/// One flush: a chunk of records and their tag. Dropping it answers Fluent Bit.
#[derive(Debug)]
pub struct Flush {
    borrowed: BorrowedChunk,
    verdict: AtomicI32,
    answer: Arc<Answer>,
    pub(crate) on_engine_thread: bool,
    pub(crate) yields: bool,
}

// SAFETY: the chunk is only read, and Fluent Bit leaves it unchanged on every thread until the caller,
// which waits for the drop of this value, returns.
unsafe impl Send for Flush {}
// SAFETY: as above; shared reading of unchanging memory.
unsafe impl Sync for Flush {}

impl Flush {
    /// Creates a flush of the chunk, and the [`Answer`] that the caller waits for.
    ///
    /// # Safety
    ///
    /// `data` is readable for `len` bytes, or null with `len` 0, and stays unchanged until the
    /// returned [`Answer`] has a verdict.
    pub(crate) unsafe fn borrow_chunk(
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
            borrowed: BorrowedChunk {
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
        // SAFETY: readable and unchanged until this value is dropped (`borrow_chunk`).
        unsafe { self.borrowed.chunk() }
    }

    /// The tag, as Fluent Bit passed it.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        &self.borrowed.tag
    }

    /// The address of the chunk.
    pub(crate) fn borrowed(&self) -> BorrowedChunk {
        self.borrowed.clone()
    }

    /// Whether the flush blocks the engine's thread until it is answered: the output has no worker
    /// threads, and its flushes cannot yield. Fluent Bit then does nothing else.
    #[must_use]
    pub fn blocks_the_engine(&self) -> bool {
        self.on_engine_thread && !self.yields
    }

    /// Whether Fluent Bit cannot shut down before this flush is answered. It joins its worker threads at
    /// shutdown, and each worker thread waits for all of its flushes.
    #[must_use]
    pub fn holds_up_the_end(&self) -> bool {
        !(self.on_engine_thread && self.yields)
    }

    /// The cancellation state, which is set when Fluent Bit shuts down.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        Cancellation::new(self.answer.cancellation.clone())
    }

    /// Runs `action` when Fluent Bit has taken the answer, or shuts down without taking it. The action
    /// runs on a thread of Fluent Bit, possibly on a stack of 24 KiB, so it must be short.
    pub fn on_outcome(&self, action: OnOutcome) {
        *self.answer.lock_on_outcome() = Some(action);
    }

    /// Answers Fluent Bit with this verdict.
    pub fn answer(self, verdict: Verdict) {
        self.settle(verdict);
    }

    /// Sets the verdict that is given when this value is dropped.
    pub fn settle(&self, verdict: Verdict) {
        self.verdict.store(verdict.code(), Ordering::Relaxed);
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.answer.give(self.verdict.load(Ordering::Relaxed));
    }
}

/// The verdict of a flush, for the waiting caller.
pub(crate) struct Answer {
    code: AtomicI32,
    queue: Arc<LogQueue>,
    /// Resumes the caller, if it yielded.
    waker: OnceLock<Arc<Waker>>,
    cancellation: Arc<State>,
    on_outcome: Mutex<Option<OnOutcome>>,
}

impl Answer {
    /// The code of the verdict, once it is given and the chunk is no longer read.
    pub(crate) fn code(&self) -> Option<i32> {
        match self.code.load(Ordering::Acquire) {
            PENDING => None,
            code => Some(code),
        }
    }

    /// Sets the waker that the verdict and log lines of the instance trigger.
    pub(crate) fn set_waker(&self, waker: &Arc<Waker>) {
        drop(self.waker.set(waker.clone()));
        // A verdict is given under the queue's lock. It is either given later and triggers the waker, or
        // it was given earlier and the caller sees it.
        self.queue.set_waker(waker);
    }

    /// Cancels the flush, so that the delivery releases the chunk.
    pub(crate) fn cancel(&self) {
        self.cancellation.cancel();
    }

    /// Waits for the verdict on Fluent Bit's thread. Prints the instance's log lines and calls `meanwhile`
    /// once a second.
    pub(crate) fn wait(&self, meanwhile: impl Fn()) -> i32 {
        self.queue
            .drain_until(|| self.code(), metrics::EVERY, meanwhile)
    }

    /// Runs the action that the delivery set with [`Flush::on_outcome`].
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

/// No verdict yet; not a code of Fluent Bit.
const PENDING: i32 = -1;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::host_api::FluentBitLog;

    /// Flushes a chunk with `job` on another thread, and returns the verdict's code.
    fn flush_on_thread(chunk: &[u8], job: impl FnOnce(Flush) + Send + 'static) -> i32 {
        let queue = LogQueue::new(FluentBitLog::muted());
        let (data, len) = (chunk.as_ptr(), chunk.len());
        // SAFETY: the chunk is borrowed until the answer has come.
        let (flush, answer) = unsafe { Flush::borrow_chunk(data, len, b"tag", queue) };
        let worker = thread::spawn(move || job(flush));
        let code = answer.wait(|| ());
        assert!(worker.join().is_ok());
        code
    }

    #[test]
    fn a_chunk_is_read_in_place_and_answered_when_all_references_are_dropped() {
        let chunk: Vec<u8> = (0..200).collect();
        let code = flush_on_thread(&chunk, |flush| {
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
    fn a_flush_without_a_verdict_is_a_retry() {
        assert_eq!(flush_on_thread(b"", drop), abi::FLB_RETRY);
        assert_eq!(
            flush_on_thread(b"x", |flush| flush.answer(Verdict::Drop)),
            abi::FLB_ERROR
        );
    }
}
