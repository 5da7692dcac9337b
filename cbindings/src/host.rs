//! The plugin host: loads a built plugin and calls it as Fluent Bit does. "Host" in this module means
//! this test host.
//!
//! For tests and demonstrations, with the feature `host`. It is stricter than Fluent Bit: memory that the
//! plugin borrows ends at the end of a page and is unmapped after use, the flush stack has a guard page
//! below it, and the API table has the size of the selected [`Generation`]. So an access outside of the
//! contract causes SIGSEGV.
//!
//! Each library has an engine: a thread with an event loop, which opens and closes its sections, runs
//! their flushes as coroutines, and fires timers. `engine-symbols` exports the symbols that Fluent Bit's
//! executable exports. When a section's exit returns, the coroutines and chunks of its flushes are freed.
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
