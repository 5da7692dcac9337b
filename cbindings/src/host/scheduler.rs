//! The timers of an event loop.
//!
//! As in Fluent Bit, a timer begins with its file descriptor, a timerfd. Its first expiry is immediate if
//! its interval is below 1 s (`mk_event_epoll.c`).

use std::ffi::{c_int, c_void};
use std::mem::{self, MaybeUninit};
use std::time::Duration;
use std::{io, ptr};

use std::cell::RefCell;

/// The part of `struct flb_sched_timer` that plugins read, and the host's own fields.
#[repr(C)]
struct Timer {
    fd: c_int,
    is_active: bool,
    is_periodic: bool,
    callback: Callback,
    data: *mut c_void,
}

type Callback = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// The timers of the event loop that runs on a thread.
#[derive(Default)]
struct Scheduler {
    /// Whether the thread has an event loop.
    runs: bool,
    timers: Vec<*mut Timer>,
    /// Closed timers; freed at the end of the iteration.
    closed: Vec<*mut Timer>,
}

/// Begins an event loop on this thread.
pub(super) fn begin() {
    SCHEDULER.with_borrow_mut(|scheduler| scheduler.runs = true);
}

/// Ends the event loop and frees all timers; returns how many had not been closed.
pub(super) fn end() -> usize {
    let timers = SCHEDULER.with_borrow_mut(|scheduler| {
        scheduler.runs = false;
        mem::take(&mut scheduler.timers)
    });
    let left = timers.len();
    for timer in timers {
        // SAFETY: a timer of this scheduler.
        unsafe { flb_sched_timer_invalidate(timer.cast()) };
    }
    free_closed();
    left
}

/// The descriptors of the timers, to wait for.
pub(super) fn descriptors() -> Vec<c_int> {
    SCHEDULER.with_borrow(|scheduler| scheduler.timers.iter().map(|timer| fd(*timer)).collect())
}

/// Runs the callback of an expired timer.
pub(super) fn expire(expired: c_int, config: *mut c_void) {
    let found = SCHEDULER.with_borrow(|scheduler| {
        let mut timers = scheduler.timers.iter();
        timers.find(|timer| fd(**timer) == expired).copied()
    });
    let Some(timer) = found else { return };
    let mut count = 0_u64;
    // SAFETY: reads eight bytes, as a timerfd gives them.
    unsafe { libc::read(expired, (&raw mut count).cast(), size_of::<u64>()) };
    // SAFETY: a timer of this scheduler, which is freed by this thread alone.
    let Timer {
        callback,
        data,
        is_periodic,
        ..
    } = *unsafe { &*timer };
    // SAFETY: the callback has the declared type.
    unsafe { callback(config, data) };
    if !is_periodic {
        // SAFETY: as above; one that fires once cannot be closed by its owner.
        unsafe { flb_sched_timer_invalidate(timer.cast()) };
    }
}

/// Frees the closed timers, at the end of an iteration of the event loop.
pub(super) fn free_closed() {
    let closed = SCHEDULER.with_borrow_mut(|scheduler| mem::take(&mut scheduler.closed));
    for timer in closed {
        // SAFETY: made from a box, and taken off the list just now.
        drop(unsafe { Box::from_raw(timer) });
    }
}

/// `flb_sched_ctx_get`; null on a thread without an event loop.
pub(super) unsafe extern "C" fn flb_sched_ctx_get() -> *mut c_void {
    SCHEDULER.with_borrow(|scheduler| match scheduler.runs {
        true => ptr::from_ref(scheduler).cast_mut().cast(),
        false => ptr::null_mut(),
    })
}

/// `flb_sched_timer_cb_create`.
pub(super) unsafe extern "C" fn flb_sched_timer_cb_create(
    _scheduler: *mut c_void,
    kind: c_int,
    milliseconds: c_int,
    callback: Callback,
    data: *mut c_void,
    out: *mut *mut c_void,
) -> c_int {
    assert!([ONE_SHOT, PERIODIC].contains(&kind), "a kind of timer");
    let interval = Duration::from_millis(milliseconds.try_into().expect("not negative"));
    let timer = Box::into_raw(Box::new(Timer {
        fd: timerfd(interval),
        is_active: true,
        is_periodic: kind == PERIODIC,
        callback,
        data,
    }));
    SCHEDULER.with_borrow_mut(|scheduler| {
        assert!(scheduler.runs, "a timer on a thread without an event loop");
        scheduler.timers.push(timer);
    });
    if !out.is_null() {
        // SAFETY: room for a pointer by Fluent Bit's contract.
        unsafe { *out = timer.cast() };
    }
    0
}

/// `flb_sched_timer_invalidate`.
pub(super) unsafe extern "C" fn flb_sched_timer_invalidate(timer: *mut c_void) {
    let timer = timer.cast::<Timer>();
    SCHEDULER.with_borrow_mut(|scheduler| {
        let at = scheduler.timers.iter().position(|known| *known == timer);
        let at = at.expect("a timer of this thread's, closed once");
        scheduler.timers.swap_remove(at);
        scheduler.closed.push(timer);
    });
    // SAFETY: a timer, which is freed later.
    let timer = unsafe { &mut *timer };
    timer.is_active = false;
    // SAFETY: its own descriptor, closed once.
    unsafe { libc::close(timer.fd) };
}

fn fd(timer: *mut Timer) -> c_int {
    // SAFETY: a timer of this thread's list.
    unsafe { (*timer).fd }
}

fn timerfd(interval: Duration) -> c_int {
    // SAFETY: no condition.
    let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
    assert!(fd >= 0, "timerfd_create: {}", io::Error::last_os_error());
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: room for the answer.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
    assert_eq!(failed, 0, "clock_gettime: {}", io::Error::last_os_error());
    // SAFETY: filled by the kernel.
    let now = unsafe { now.assume_init() };
    let seconds = libc::time_t::try_from(interval.as_secs()).expect("a short time");
    let set = libc::itimerspec {
        it_interval: libc::timespec {
            tv_sec: seconds,
            tv_nsec: libc::c_long::from(interval.subsec_nanos().cast_signed()),
        },
        it_value: libc::timespec {
            tv_sec: now.tv_sec + seconds,
            tv_nsec: 0,
        },
    };
    let flags = libc::TFD_TIMER_ABSTIME;
    // SAFETY: a timerfd and a valid setting.
    let failed = unsafe { libc::timerfd_settime(fd, flags, &raw const set, ptr::null_mut()) };
    assert_eq!(failed, 0, "timerfd_settime: {}", io::Error::last_os_error());
    fd
}

thread_local! {
    static SCHEDULER: RefCell<Scheduler> = RefCell::default();
}

/// `FLB_SCHED_TIMER_CB_ONESHOT`.
const ONE_SHOT: c_int = 3;
/// `FLB_SCHED_TIMER_CB_PERM`.
const PERIODIC: c_int = 4;
