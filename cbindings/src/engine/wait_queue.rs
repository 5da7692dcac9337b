//! The flushes that wait for their answers, yielded, on each of Fluent Bit's threads.
//!
//! A thread has one timer while flushes wait on it and none otherwise. Its callback resumes whatever is
//! answered, and prints lines and publishes metrics of the others.
//!
//! A flush that waits leaves nothing on its coroutine's stack that must be dropped: what it needs is in
//! the queue. So Fluent Bit may free the coroutine when it ends, once [`abandon`] has taken the flush out.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use super::coroutine::Coroutine;
use super::functions::Functions;
use super::timer::{Timer, Waker};

/// A flush that waits for its answer.
pub(crate) trait Waiting {
    /// Whether the answer is there.
    fn is_answered(&self) -> bool;
    /// Has the thread's timer made due by the answer, and by lines of the log.
    fn set_waker(&self, waker: &Arc<Waker>);
    /// Prints lines, and publishes metrics once in a while.
    fn attend(&self);
    /// Asks for the answer at once.
    fn cancel(&self);
    /// Blocks until the answer is there and the chunk is not read any more.
    fn wait(&self);
    /// Whether Fluent Bit needs the chunk no more.
    fn is_delivered(&self) -> bool;
    /// Logs that so many chunks of its instance, this one among them, are not delivered when Fluent Bit
    /// ends.
    fn log_undelivered(&self, count: usize);
    /// Ends the flush; the answer, which Fluent Bit takes.
    fn finish(self: Box<Self>) -> c_int;
    /// Ends the flush, whose answer Fluent Bit does not take.
    fn abandon(self: Box<Self>);
    /// The number of the instance that it belongs to.
    fn instance(&self) -> usize;
}

/// Yields until the flush is answered.
///
/// # Errors
///
/// The flush, when the event loop gives no timer to resume it by.
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

/// Takes the flushes of some instances out of this thread's queue, whose coroutines are never resumed:
/// Fluent Bit ends. All flushes of the thread are cancelled, as the others' end comes next. Returns when
/// no chunk of those taken out is read any more.
pub(crate) fn abandon(belongs: impl Fn(usize) -> bool) -> Vec<Box<dyn Waiting>> {
    let abandoned = QUEUE.with_borrow_mut(|queue| {
        queue.waiting.iter().for_each(|one| one.flush.cancel());
        queue.take(|flush| belongs(flush.instance()))
    });
    let abandoned: Vec<_> = abandoned.into_iter().map(|one| one.flush).collect();
    abandoned.iter().for_each(|flush| flush.wait());
    abandoned
}

/// The flushes that wait on one thread.
struct Queue {
    waiting: Vec<One>,
    timer: Option<Timer>,
}

struct One {
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
        // What was answered before the waker was set has woken nobody.
        if flush.is_answered() {
            timer.waker().wake();
        }
        self.waiting.push(One { coroutine, flush });
        Ok(())
    }

    /// Takes out what is meant; the timer goes with the last one.
    fn take(&mut self, is_meant: impl Fn(&dyn Waiting) -> bool) -> Vec<One> {
        let all = std::mem::take(&mut self.waiting).into_iter();
        let (taken, waiting) = all.partition(|one| is_meant(&*one.flush));
        self.waiting = waiting;
        if self.waiting.is_empty() {
            self.timer = None;
        }
        taken
    }

    /// Takes out what is answered.
    fn take_answered(&mut self) -> Vec<One> {
        if let Some(timer) = &self.timer {
            timer.acknowledge();
        }
        if self.waiting.iter().any(|one| one.flush.is_answered()) {
            self.take(|flush| flush.is_answered())
        } else {
            Vec::new()
        }
    }
}

/// What the timer of a thread calls there.
unsafe extern "C" fn on_timer(_config: *mut c_void, _data: *mut c_void) {
    // A panic must not reach Fluent Bit. What is still in the queue is looked at the next time.
    drop(panic::catch_unwind(AssertUnwindSafe(|| {
        for One { coroutine, flush } in QUEUE.with_borrow_mut(Queue::take_answered) {
            RESUMED.set(Some(flush));
            // SAFETY: it yielded on this thread, and was in the queue until now: neither resumed nor,
            // as its instance was not closed, freed.
            unsafe { coroutine.resume() };
        }
        QUEUE.with_borrow(|queue| queue.waiting.iter().for_each(|one| one.flush.attend()));
    })));
}

thread_local! {
    static QUEUE: RefCell<Queue> = const { RefCell::new(Queue { waiting: Vec::new(), timer: None }) };
    /// The flush whose coroutine is being resumed, on its way from the queue to its stack.
    static RESUMED: Cell<Option<Box<dyn Waiting>>> = const { Cell::new(None) };
}
