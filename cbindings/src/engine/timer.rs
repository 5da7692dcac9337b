//! A timer of an event loop, which other threads can make due at once.
//!
//! `struct flb_sched_timer` begins with its event, and the event with its file descriptor. In the epoll
//! event loop, Fluent Bit's default on Linux, that is a timerfd, so any thread may set it. What is found
//! there is used only if the kernel says that it is a timerfd with the interval that was asked for.
//! Otherwise the timer is made again with a short interval, and waiting costs some polling.

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

/// Makes a timer due, from any thread.
#[derive(Debug)]
pub(crate) struct Waker {
    /// The timer's timerfd, until the timer is stopped.
    fd: Mutex<Option<c_int>>,
    /// It was made due, and its callback has not run since.
    is_due: AtomicBool,
}

impl Timer {
    /// Creates a timer; `None` when the event loop gives none.
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

    /// Notes that the callback runs: what happens from now on makes the timer due again.
    pub(super) fn acknowledge(&self) {
        self.waker.is_due.swap(false, Ordering::AcqRel);
    }
}

impl Drop for Timer {
    /// Stops the timer; for its own thread.
    fn drop(&mut self) {
        // The descriptor is closed next, and its number may be another file's after that.
        *self.waker.lock() = None;
        // SAFETY: this thread's timer, which is stopped once. Also in its own callback: the event loop
        // frees it only at the end of its turn, or with the scheduler.
        unsafe { (self.functions.invalidate)(self.timer) };
    }
}

impl Waker {
    /// Makes the timer due.
    pub(crate) fn wake(&self) {
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let fd = self.lock();
        let Some(fd) = *fd else { return };
        let due = libc::itimerspec {
            it_value: timespec(AT_ONCE),
            it_interval: timespec(INTERVAL),
        };
        // SAFETY: a timerfd that is open while the lock is held. Fluent Bit may be about to read it,
        // which blocks until it is due: in a nanosecond.
        unsafe { libc::timerfd_settime(fd, 0, &raw const due, ptr::null_mut()) };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<c_int>> {
        self.fd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls back once, in the calling thread's event loop, as soon as it gets to it.
pub(super) fn call_soon(
    functions: TimerFunctions,
    callback: TimerCallback,
    data: *mut c_void,
) -> Option<()> {
    create(functions, ONE_SHOT, SOON, callback, data).map(|_| ())
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

/// The timerfd of a timer with the usual interval; `None` when it has another kind of descriptor.
fn timerfd_of(timer: *mut c_void) -> Option<c_int> {
    // SAFETY: `struct flb_sched_timer` begins with its event, and that with an `int`.
    let fd = unsafe { *timer.cast::<c_int>() };
    let mut set = MaybeUninit::<libc::itimerspec>::zeroed();
    // SAFETY: room for the answer; the kernel refuses a descriptor of another kind.
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
/// How often the timer is due though nothing happened: metrics are published meanwhile.
const INTERVAL: Duration = metrics::EVERY;
/// The same where the timer cannot be made due: half of it is what a delivery takes longer on average.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The kernel takes 0 for "never".
const AT_ONCE: Duration = Duration::from_nanos(1);
const SOON: Duration = Duration::from_millis(1);
