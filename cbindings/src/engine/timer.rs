//! A timer of an event loop that other threads can trigger.
//!
//! `struct flb_sched_timer` begins with its event, and the event with its file descriptor. In the epoll
//! event loop, Fluent Bit's default on Linux, the descriptor is a timerfd, which any thread may set. The
//! descriptor is used only if the kernel confirms that it is a timerfd with the requested interval.
//! Otherwise the timer is created again with a short interval, and the wait queue polls.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::functions::{TimerCallback, TimerFunctions};
use crate::metrics;

/// A periodic timer of the calling thread's event loop.
#[derive(Debug)]
pub(super) struct Timer {
    functions: TimerFunctions,
    /// `struct flb_sched_timer *`.
    timer: *mut c_void,
    waker: Arc<Waker>,
}

/// Triggers a timer from any thread.
#[derive(Debug)]
pub(crate) struct Waker {
    /// The timer's timerfd, until the timer is stopped.
    fd: Mutex<Option<c_int>>,
    /// The timer was triggered, and its callback has not run since.
    is_due: AtomicBool,
}

impl Timer {
    /// Creates a timer; `None` when the event loop cannot create one.
    pub(super) fn start(functions: TimerFunctions, callback: TimerCallback) -> Option<Self> {
        let timer = create(functions, PERIODIC, INTERVAL, callback, ptr::null_mut())?;
        let fd = timerfd_of(timer);
        let waker = Arc::new(Waker {
            fd: Mutex::new(fd),
            is_due: AtomicBool::new(false),
        });
        let started = Self {
            functions,
            timer,
            waker,
        };
        if fd.is_some() {
            return Some(started);
        }
        let waker = started.waker.clone();
        drop(started);
        let timer = create(
            functions,
            PERIODIC,
            POLL_INTERVAL,
            callback,
            ptr::null_mut(),
        )?;
        Some(Self {
            functions,
            timer,
            waker,
        })
    }

    pub(super) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Called when the callback runs: later events trigger the timer again.
    pub(super) fn acknowledge(&self) {
        self.waker.is_due.swap(false, Ordering::AcqRel);
    }
}

impl Drop for Timer {
    /// Stops the timer. Called on its own thread.
    fn drop(&mut self) {
        // The descriptor is closed next, and its number may then be reused for another file.
        *self.waker.lock() = None;
        // SAFETY: this thread's timer, stopped once. Sound in its own callback too: the event loop frees
        // it only at the end of its iteration, or with the scheduler.
        unsafe { (self.functions.invalidate)(self.timer) };
    }
}

impl Waker {
    /// Triggers the timer.
    pub(crate) fn wake(&self) {
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let fd = self.lock();
        let Some(fd) = *fd else { return };
        let due = libc::itimerspec {
            it_value: timespec(SHORTEST),
            it_interval: timespec(INTERVAL),
        };
        // SAFETY: a timerfd that is open while the lock is held. If Fluent Bit reads it at the same time,
        // the read blocks until the timer is due, for 1 ns.
        unsafe { libc::timerfd_settime(fd, 0, &raw const due, ptr::null_mut()) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<c_int>> {
        self.fd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `callback` once in the calling thread's event loop, after 1 ms.
pub(super) fn call_soon(
    functions: TimerFunctions,
    callback: TimerCallback,
    data: *mut c_void,
) -> Option<()> {
    create(functions, ONE_SHOT, CALL_DELAY, callback, data).map(|_| ())
}

fn create(
    functions: TimerFunctions,
    kind: c_int,
    interval: Duration,
    callback: TimerCallback,
    data: *mut c_void,
) -> Option<*mut c_void> {
    // SAFETY: reads a thread-local of Fluent Bit's.
    let scheduler = unsafe { (functions.scheduler)() };
    if scheduler.is_null() {
        return None;
    }
    let milliseconds = c_int::try_from(interval.as_millis()).ok()?;
    let mut timer = ptr::null_mut();
    // SAFETY: this thread's scheduler; the callback has the declared type.
    let created = unsafe {
        (functions.create)(
            scheduler,
            kind,
            milliseconds,
            callback,
            data,
            &raw mut timer,
        )
    };
    (created == 0 && !timer.is_null()).then_some(timer)
}

/// The timerfd of a timer with interval [`INTERVAL`]; `None` for another type of descriptor.
fn timerfd_of(timer: *mut c_void) -> Option<c_int> {
    // SAFETY: `struct flb_sched_timer` begins with its event, and the event with an `int`.
    let fd = unsafe { *timer.cast::<c_int>() };
    let mut set = MaybeUninit::<libc::itimerspec>::zeroed();
    // SAFETY: `set` has room for the result; the kernel rejects another type of descriptor.
    if unsafe { libc::timerfd_gettime(fd, set.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zeroed, which is a value of this plain structure, and filled by the kernel.
    let set = unsafe { set.assume_init() };
    let expected = timespec(INTERVAL);
    let interval = set.it_interval;
    (interval.tv_sec == expected.tv_sec && interval.tv_nsec == expected.tv_nsec).then_some(fd)
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or_default(),
        tv_nsec: libc::c_long::from(i32::try_from(duration.subsec_nanos()).unwrap_or_default()),
    }
}

/// `FLB_SCHED_TIMER_CB_ONESHOT`.
const ONE_SHOT: c_int = 3;
/// `FLB_SCHED_TIMER_CB_PERM`.
const PERIODIC: c_int = 4;
/// The interval of the timer without a trigger; metrics are published then.
const INTERVAL: Duration = metrics::EVERY;
/// The interval of a timer that cannot be triggered. It adds half of it to a delivery on average.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The shortest time: the kernel takes 0 as "disarm".
const SHORTEST: Duration = Duration::from_nanos(1);
const CALL_DELAY: Duration = Duration::from_millis(1);
