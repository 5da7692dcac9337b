//! The wait queue of each of Fluent Bit's threads: flushes that have yielded and wait for their answers.
//!
//! A thread has one timer while flushes wait on it. The timer's callback resumes answered flushes, and
//! prints log lines and publishes metrics of the others.
//!
//! The coroutine stack of a waiting flush holds no value that needs a drop: the flush is owned by the
//! queue. So Fluent Bit may free the coroutine at shutdown, after [`abandon`] has removed the flush.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use super::coroutine::Coroutine;
use super::functions::Functions;
use super::timer::{Timer, Waker};

/// A flush that waits for its answer.
pub(crate) trait Waiting {
    /// Whether the flush is answered.
    fn is_answered(&self) -> bool;
    /// Sets the waker that the answer and log lines trigger.
    fn set_waker(&self, waker: &Arc<Waker>);
    /// Prints log lines, and publishes metrics if they are due.
    fn attend(&self);
    /// Cancels the flush, so that it is answered soon.
    fn cancel(&self);
    /// Blocks until the flush is answered and its chunk is no longer read.
    fn wait(&self);
    /// Whether the chunk is delivered.
    fn is_delivered(&self) -> bool;
    /// Logs that `count` chunks of its instance, including this one, are not delivered at shutdown.
    fn log_undelivered(&self, count: usize);
    /// Ends the flush and returns the code for Fluent Bit.
    fn finish(self: Box<Self>) -> c_int;
    /// Ends a flush whose answer Fluent Bit does not take.
    fn abandon(self: Box<Self>);
    /// The number of its instance.
    fn instance(&self) -> usize;
}

/// Yields until the flush is answered.
///
/// # Errors
///
/// Returns the flush when the event loop cannot create the timer to resume it.
pub(crate) fn yield_until_answered(
    coroutine: Coroutine,
    functions: &'static Functions,
    flush: Box<dyn Waiting>,
) -> Result<Box<dyn Waiting>, Box<dyn Waiting>> {
    if flush.is_answered() {
        return Ok(flush);
    }
    QUEUE.with_borrow_mut(|queue| queue.push(coroutine, functions, flush))?;
    loop {
        coroutine.yield_now();
        if let Some(flush) = RESUMED.take() {
            return Ok(flush);
        }
    }
}

/// At shutdown: removes the flushes of some instances from this thread's queue; their coroutines are
/// never resumed. Cancels all flushes of the thread, as the other instances close next. Returns when the
/// chunks of the removed flushes are no longer read.
pub(crate) fn abandon(belongs: impl Fn(usize) -> bool) -> Vec<Box<dyn Waiting>> {
    let abandoned = QUEUE.with_borrow_mut(|queue| {
        queue
            .waiting
            .iter()
            .for_each(|queued| queued.flush.cancel());
        queue.take(|flush| belongs(flush.instance()))
    });
    let abandoned: Vec<_> = abandoned.into_iter().map(|queued| queued.flush).collect();
    abandoned.iter().for_each(|flush| flush.wait());
    abandoned
}

/// The flushes that wait on one thread.
struct Queue {
    waiting: Vec<QueuedFlush>,
    timer: Option<Timer>,
}

struct QueuedFlush {
    coroutine: Coroutine,
    flush: Box<dyn Waiting>,
}

impl Queue {
    fn push(
        &mut self,
        coroutine: Coroutine,
        functions: &'static Functions,
        flush: Box<dyn Waiting>,
    ) -> Result<(), Box<dyn Waiting>> {
        if self.timer.is_none() {
            self.timer = Timer::start(functions.timers, on_timer);
        }
        let Some(timer) = &self.timer else {
            return Err(flush);
        };
        flush.set_waker(timer.waker());
        // An answer before the waker was set did not trigger it.
        if flush.is_answered() {
            timer.waker().wake();
        }
        self.waiting.push(QueuedFlush { coroutine, flush });
        Ok(())
    }

    /// Removes and returns the selected flushes; stops the timer if none is left.
    fn take(&mut self, is_selected: impl Fn(&dyn Waiting) -> bool) -> Vec<QueuedFlush> {
        let all = std::mem::take(&mut self.waiting).into_iter();
        let (taken, waiting) = all.partition(|queued| is_selected(&*queued.flush));
        self.waiting = waiting;
        if self.waiting.is_empty() {
            self.timer = None;
        }
        taken
    }

    /// Removes and returns the answered flushes.
    fn take_answered(&mut self) -> Vec<QueuedFlush> {
        if let Some(timer) = &self.timer {
            timer.acknowledge();
        }
        if self.waiting.iter().any(|queued| queued.flush.is_answered()) {
            self.take(|flush| flush.is_answered())
        } else {
            Vec::new()
        }
    }
}

/// The timer callback of a thread.
unsafe extern "C" fn on_timer(_config: *mut c_void, _data: *mut c_void) {
    // A panic must not reach Fluent Bit. Flushes that are still queued are handled by the next call.
    drop(panic::catch_unwind(AssertUnwindSafe(|| {
        for QueuedFlush { coroutine, flush } in QUEUE.with_borrow_mut(Queue::take_answered) {
            RESUMED.set(Some(flush));
            // SAFETY: it yielded on this thread and was in the queue until now, so it was not resumed, and
            // as its instance is open, it was not freed.
            unsafe { coroutine.resume() };
        }
        QUEUE.with_borrow(|queue| {
            queue
                .waiting
                .iter()
                .for_each(|queued| queued.flush.attend())
        });
    })));
}

thread_local! {
    static QUEUE: RefCell<Queue> = const { RefCell::new(Queue { waiting: Vec::new(), timer: None }) };
    /// The flush whose coroutine is being resumed; passed from the queue to the coroutine.
    static RESUMED: Cell<Option<Box<dyn Waiting>>> = const { Cell::new(None) };
}
