//! The worker threads of a section, started and ended as in `flb_output_thread.c`.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event_loop::EventLoop;
use super::journal::{self, Journal};
use super::section::Section;

/// The threads that the flushes of a section are called on, if it has any.
#[derive(Debug, Default)]
pub(super) struct WorkerPool {
    count: AtomicU32,
    threads: Mutex<Vec<Arc<EventLoop>>>,
    /// Threads of replaced pools; Fluent Bit leaks them.
    replaced: Mutex<Vec<Arc<EventLoop>>>,
    next: AtomicUsize,
    journal: Mutex<Option<Arc<Journal>>>,
}

impl WorkerPool {
    /// Sets the number of threads for the next start.
    pub(super) fn set_count(&self, count: u32) {
        self.count.store(count, Ordering::Relaxed);
    }

    pub(super) fn set_journal(&self, journal: &Arc<Journal>) {
        *lock(&self.journal) = Some(journal.clone());
    }

    /// Starts the threads.
    fn start(&self, name: &str) {
        let threads: Vec<_> = (0..self.count.load(Ordering::Relaxed))
            .map(|number| Arc::new(EventLoop::start(&format!("worker-{number}"))))
            .collect();
        if threads.is_empty() {
            return;
        }
        for thread in &threads {
            let (name, journal) = (name.to_owned(), lock(&self.journal).clone());
            thread.call(move || journal.iter().for_each(|one| journal::register(&name, one)));
        }
        let before = std::mem::replace(&mut *lock(&self.threads), threads);
        lock(&self.replaced).extend(before);
    }

    /// Starts the threads `times` times, as Fluent Bit does after a section's init.
    pub(super) fn start_after_init(&self, name: &str, times: usize) {
        (0..times).for_each(|_| self.start(name));
    }

    /// The thread that the next flush is called on; `None` for the engine's.
    pub(super) fn next(&self) -> Option<Arc<EventLoop>> {
        let threads = lock(&self.threads);
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        threads.get(turn.checked_rem(threads.len())?).cloned()
    }

    /// The number of threads, including those of replaced pools.
    pub(super) fn thread_count(&self) -> usize {
        lock(&self.threads).len() + lock(&self.replaced).len()
    }

    /// Ends the threads after all of their flushes are answered.
    pub(super) fn end(&self) {
        let threads = std::mem::take(&mut *lock(&self.threads));
        drop(threads);
        let replaced = std::mem::take(&mut *lock(&self.replaced));
        drop(replaced);
    }
}

/// `flb_output_name`.
pub(super) unsafe extern "C" fn flb_output_name(instance: *mut c_void) -> *const c_char {
    // SAFETY: the plugin passes the instance it was given.
    let section = unsafe { section(instance) };
    section.name().as_ptr()
}

/// `flb_output_set_property`; supports `workers` only.
pub(super) unsafe extern "C" fn flb_output_set_property(
    instance: *mut c_void,
    key: *const c_char,
    value: *const c_char,
) -> c_int {
    // SAFETY: the plugin passes a NUL-terminated key.
    let key = unsafe { CStr::from_ptr(key) };
    assert_eq!(key, c"workers", "a property that the plugin sets");
    // SAFETY: the plugin passes a NUL-terminated value.
    let value = unsafe { CStr::from_ptr(value) };
    let count = value.to_str().ok().and_then(|count| count.parse().ok());
    // SAFETY: the plugin passes the instance it was given.
    let section = unsafe { section(instance) };
    section.pool.set_count(count.expect("a number"));
    0
}

/// `flb_output_enable_multi_threading`.
pub(super) unsafe extern "C" fn flb_output_enable_multi_threading(
    instance: *mut c_void,
    config: *mut c_void,
) -> c_int {
    assert!(
        !config.is_null(),
        "the configuration that the timer was given"
    );
    // SAFETY: the plugin passes the instance it was given.
    let section = unsafe { section(instance) };
    section.pool.start(&section.name().to_string_lossy());
    0
}

/// The section of an instance pointer.
///
/// # Safety
///
/// `instance` is the pointer that the host passed to the plugin, and its section has not exited.
unsafe fn section<'a>(instance: *mut c_void) -> &'a Section {
    // SAFETY: a section, by this function's promise; it is changed only under its locks.
    unsafe { instance.cast::<Section>().as_ref() }.expect("an instance")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
