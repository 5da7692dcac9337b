//! The other side of the contract: loads a built plugin and calls it as Fluent Bit does.
//!
//! For tests and demonstrations, behind the feature `host`. It is stricter than any real host:
//! what the plugin is lent ends at the end of a page and is unmapped when the loan is over, the
//! flush stack has a guard page below it, and the API table has the size of the [`Generation`]
//! asked for. Whatever reaches beyond the contract therefore ends in SIGSEGV, not in luck.
//!
//! Sources: fluent-bit `src/flb_plugin_proxy.c`, `src/proxy/go/go.c`, `src/flb_api.c`,
//! `src/flb_output.c`, `include/fluent-bit/flb_coro.h`.

mod generation;
mod instance;
mod journal;
mod library;
mod mapping;
mod process;
mod section;
mod stack;
mod symbols;
mod table;

pub use generation::Generation;
pub use instance::{Exited, Flushed, Instance, Refused};
pub use journal::{Line, stray_lines};
pub use library::{Library, Registered};
pub use process::{fd_count, is_mapped, thread_count};
pub use section::Section;
