//! The other side of the contract: loads a built plugin and calls it as Fluent Bit does.
//!
//! For tests and demonstrations, behind the feature `host`. It is stricter than any real host:
//! what the plugin is lent ends at the end of a page and is unmapped when the loan is over, the
//! flush stack has a guard page below it, and the API table has the size of the [`Generation`]
//! asked for. Whatever reaches beyond the contract therefore ends in SIGSEGV, not in luck.
//!
//! Each library has an engine: a thread with an event loop, which opens and closes its sections, runs
//! their flushes as coroutines, and fires timers. What Fluent Bit's executable exports is exported by
//! `engine-symbols`. When a section's exit returns, the coroutines and chunks of its flushes are freed.
//!
//! Sources: fluent-bit `src/flb_plugin_proxy.c`, `src/proxy/go/go.c`, `src/flb_api.c`,
//! `src/flb_output.c`, `src/flb_output_thread.c`, `src/flb_scheduler.c`, `include/fluent-bit/flb_coro.h`.

mod coroutine;
mod event_loop;
mod exports;
mod fiber;
mod generation;
mod instance;
mod journal;
mod library;
mod mapping;
mod process;
mod scheduler;
mod section;
mod stack;
mod symbols;
mod table;
mod worker_pool;

pub use coroutine::Layout;
pub use generation::Generation;
pub use instance::{ABANDONED, Exited, Flushed, Instance, Pending, Refused};
pub use journal::{Line, stray_lines};
pub use library::{Library, Registered};
pub use process::{EXACT_ALLOCATIONS, allocated_bytes, fd_count, is_mapped, thread_count};
pub use section::Section;
