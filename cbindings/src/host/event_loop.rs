//! A thread of Fluent Bit: the engine's thread, or a worker thread of an output.
//!
//! It runs commands, coroutines of flushes, and timers, one at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::{fmt, io, ptr};

use super::coroutine::Coroutine;
use super::{journal, scheduler};

/// A thread with an event loop. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct EventLoop {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    id: ThreadId,
}

struct Shared {
    commands: Mutex<VecDeque<Command>>,
    /// An eventfd, which is readable while there are commands.
    wake_fd: c_int,
    is_stopping: AtomicBool,
    /// Coroutines that have not ended.
    running: AtomicUsize,
}

type Command = Box<dyn FnOnce() + Send>;

impl EventLoop {
    pub(super) fn start(name: &str) -> Self {
        // SAFETY: no condition.
        let wake_fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        assert!(wake_fd >= 0, "eventfd: {}", io::Error::last_os_error());
        let shared = Arc::new(Shared {
            commands: Mutex::default(),
            wake_fd,
            is_stopping: AtomicBool::new(false),
            running: AtomicUsize::new(0),
        });
        let thread = thread::Builder::new().name(name.to_owned()).spawn({
            let shared = shared.clone();
            move || shared.run()
        });
        let thread = thread.expect("a thread");
        let id = thread.thread().id();
        Self {
            shared,
            thread: Some(thread),
            id,
        }
    }

    /// Runs `call` on the thread and waits for its result. On the thread itself it runs at once.
    pub(super) fn call<T: Send + 'static>(&self, call: impl FnOnce() -> T + Send + 'static) -> T {
        if thread::current().id() == self.id {
            return call();
        }
        let (result, results) = mpsc::channel();
        self.post(move || drop(result.send(call())));
        results.recv().expect("the event loop lives")
    }

    /// Queues a command for the thread.
    pub(super) fn post(&self, command: impl FnOnce() + Send + 'static) {
        self.shared.lock().push_back(Box::new(command));
        self.shared.notify();
    }

    /// Creates a coroutine on the thread and runs it. [`abandon`] with the same `owner` frees it.
    pub(super) fn start_coroutine(
        &self,
        owner: usize,
        make: impl FnOnce() -> Coroutine + Send + 'static,
        end: impl FnOnce(&Coroutine) + Send + 'static,
    ) {
        self.shared.running.fetch_add(1, Ordering::Relaxed);
        let shared = self.shared.clone();
        self.post(move || {
            let coroutine = Box::new(make());
            let running = Running {
                owner,
                coroutine,
                end: Some(Box::new(end)),
                _count: Count(shared),
            };
            // Added to the list first, as the call may abandon it.
            let at = RUNNING.with_borrow_mut(|all| {
                all.push(running);
                ptr::from_ref(&*all[all.len() - 1].coroutine)
            });
            // SAFETY: boxed, and only removed by this thread once it has ended or is abandoned.
            unsafe { &*at }.resume();
        });
    }
}

/// Frees the coroutines of an owner without resuming them, and returns their number. Called on the
/// thread itself.
pub(super) fn abandon(owner: usize) -> usize {
    let abandoned: Vec<_> = RUNNING.with_borrow_mut(|all| {
        let (abandoned, others) = std::mem::take(all)
            .into_iter()
            .partition(|running| running.owner == owner);
        *all = others;
        abandoned
    });
    abandoned.len()
}

impl Drop for EventLoop {
    /// Ends the thread after its last coroutine has ended, as a worker thread of Fluent Bit does.
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.notify();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("an event loop does not panic");
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn run(&self) {
        scheduler::begin();
        while !self.may_end() {
            let expired = self.wait();
            self.take_notice();
            // Taken before they run, as a command may queue another one.
            let commands = std::mem::take(&mut *self.lock());
            commands.into_iter().for_each(|command| command());
            for fd in expired {
                scheduler::expire(fd, ptr::from_ref(self).cast_mut().cast());
            }
            finish_ended();
            scheduler::free_closed();
        }
        let timers = scheduler::end();
        journal::write_stray_if(timers > 0, || {
            format!("{timers} timers were left on a thread")
        });
    }

    fn may_end(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
            && self.running.load(Ordering::Acquire) == 0
            && self.lock().is_empty()
    }

    /// Waits for a command or a timer; returns the descriptors of expired timers.
    fn wait(&self) -> Vec<c_int> {
        let watched = [self.wake_fd].into_iter().chain(scheduler::descriptors());
        let mut polled: Vec<libc::pollfd> = watched
            .map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        let count = libc::nfds_t::try_from(polled.len()).expect("few");
        // SAFETY: `count` entries, which the kernel writes to.
        unsafe { libc::poll(polled.as_mut_ptr(), count, -1) };
        let ready = polled[1..].iter().filter(|one| one.revents != 0);
        ready.map(|one| one.fd).collect()
    }

    fn notify(&self) {
        let one = 1_u64;
        // SAFETY: writes eight bytes, as an eventfd takes them.
        unsafe { libc::write(self.wake_fd, (&raw const one).cast(), size_of::<u64>()) };
    }

    fn take_notice(&self) {
        let mut count = 0_u64;
        // SAFETY: reads eight bytes, as an eventfd gives them, or nothing.
        unsafe { libc::read(self.wake_fd, (&raw mut count).cast(), size_of::<u64>()) };
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: its own descriptor, closed once.
        unsafe { libc::close(self.wake_fd) };
    }
}

/// Calls `end` of the coroutines that have ended, and frees them.
fn finish_ended() {
    let ended: Vec<_> = RUNNING.with_borrow_mut(|all| {
        let (ended, others) = std::mem::take(all)
            .into_iter()
            .partition(|running| running.coroutine.has_ended());
        *all = others;
        ended
    });
    for mut running in ended {
        if let Some(end) = running.end.take() {
            end(&running.coroutine);
        }
    }
}

struct Running {
    owner: usize,
    /// Boxed, so that its address does not change while it runs.
    coroutine: Box<Coroutine>,
    end: Option<End>,
    _count: Count,
}

type End = Box<dyn FnOnce(&Coroutine)>;

/// Counts a coroutine until it is freed.
struct Count(Arc<Shared>);

impl Drop for Count {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Release);
    }
}

thread_local! {
    /// The coroutines of this thread.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}
