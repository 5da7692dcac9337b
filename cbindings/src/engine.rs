//! Fluent Bit's engine: the coroutines that flushes run in, and the timers of its event loops.
//!
//! Fluent Bit calls each flush in its own coroutine, on the engine's thread or on a worker thread of the
//! output. While an output waits, its coroutine yields and the event loop continues. The plugin does the
//! same: [`wait_queue`] holds the waiting flushes of a thread, and a timer of that thread's event loop
//! ([`timer`]) resumes each flush that is answered. A waiting flush blocks no thread.
//!
//! If Fluent Bit lacks a function or its coroutines have an unknown layout, the plugin starts worker
//! threads instead ([`worker_pool`]); a flush then blocks the thread that it is called on.
//!
//! Sources, compared in 1.8.15, 1.9.10, 2.0.14, 2.1.10, 2.2.3, 3.0.7, 3.1.10, 3.2.10, 4.0.14, 4.2.8,
//! 5.0.9 and 5.1.1, where they are equal: `include/fluent-bit/flb_coro.h`, `src/flb_coro.c`,
//! `src/flb_scheduler.c`, `lib/flb_libco/libco.h`, `lib/monkey/mk_core/mk_event_epoll.c`.

mod coroutine;
mod functions;
mod timer;
pub(crate) mod wait_queue;
pub(crate) mod worker_pool;

pub(crate) use coroutine::Coroutine;
pub(crate) use functions::Functions;
pub(crate) use timer::Waker;
