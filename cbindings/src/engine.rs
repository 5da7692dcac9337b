//! Fluent Bit's engine: the coroutines that flushes run in, and the timers of its event loops.
//!
//! Fluent Bit calls each flush in a coroutine of its own, on the engine's thread or on one of the
//! output's worker threads. Its own outputs yield there while they wait, and the event loop goes on.
//! So do flushes of ours: [`wait_queue`] keeps those that wait, by thread, and a timer of that thread's
//! event loop ([`timer`]) resumes each one that is answered. No thread is held meanwhile.
//!
//! A Fluent Bit that lacks a function, or whose coroutines look different, gets worker threads
//! instead ([`worker_pool`]); a flush then blocks the thread that it is called on.
//!
//! Sources, read in 1.8.15, 1.9.10, 2.0.14, 2.1.10, 2.2.3, 3.0.7, 3.1.10, 3.2.10, 4.0.14, 4.2.8, 5.0.9
//! and 5.1.1, where they are alike: `include/fluent-bit/flb_coro.h`, `src/flb_coro.c`,
//! `src/flb_scheduler.c`, `lib/flb_libco/libco.h`, `lib/monkey/mk_core/mk_event_epoll.c`.

mod coroutine;
mod functions;
mod timer;
pub(crate) mod wait_queue;
pub(crate) mod worker_pool;

pub(crate) use coroutine::Coroutine;
pub(crate) use functions::Functions;
pub(crate) use timer::Waker;
