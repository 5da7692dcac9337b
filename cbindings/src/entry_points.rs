//! The bodies of the exported functions. They convert pointers to references and panics to verdicts.
//!
//! The functions are generic over the plugin; [`crate::export!`] instantiates them with the symbol names
//! that Fluent Bit looks up.
//!
//! The context that Fluent Bit keeps for an instance is a number, which is looked up on each call, and
//! not an address: Fluent Bit before 2.1 calls exit for the section opened last once for each section of
//! the plugin, the first time while the section is still in use.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use crate::Output;
use crate::abi::{
    Definition, FLB_ERROR, FLB_OK, FLB_RETRY, GO_PROXY, InitArguments, OUTPUT_PLUGIN,
};
use crate::cmetrics::Cmetrics;
use crate::engine::wait_queue::{self, Waiting};
use crate::engine::{Coroutine, Functions, Waker, worker_pool};
use crate::flush::{Answer, BorrowedChunk, Flush, Outcome};
use crate::host_api::{self, FluentBitLog, Settings};
use crate::level::Level;
use crate::log_queue::{Log, LogQueue};
use crate::metrics::MetricsPublisher;
use crate::panic_hook;
use crate::workers::Workers;

/// An open output section.
struct Instance<P> {
    number: usize,
    plugin: P,
    queue: Arc<LogQueue>,
    publisher: Option<MetricsPublisher>,
    opened_on: ThreadId,
    workers: Workers,
}

/// Answers `FLBPluginPreRegister`: records that Fluent Bit is 2.2.0 or later.
#[must_use]
pub fn pre_register() -> c_int {
    host_api::set_pre_registered();
    0
}

/// Answers `FLBPluginOutputPreRun`: records whether hot reload is enabled.
#[must_use]
pub fn pre_run(hot_reload: c_int) -> c_int {
    host_api::set_hot_reload(hot_reload != 0);
    0
}

/// Answers `FLBPluginRegister` with constants.
///
/// # Safety
///
/// `definition` is null or Fluent Bit's definition, writable.
pub unsafe fn register<P: Output>(definition: *mut Definition) -> c_int {
    // SAFETY: null or valid by this function's promise.
    let Some(definition) = (unsafe { definition.as_mut() }) else {
        return REGISTER_FAILED;
    };
    definition.kind = OUTPUT_PLUGIN;
    definition.proxy = GO_PROXY;
    definition.flags = 0;
    definition.name = P::NAME.as_ptr();
    definition.description = P::DESCRIPTION.as_ptr();
    0
}

/// Answers `FLBPluginInit`: opens an instance and stores its number in the context.
///
/// # Safety
///
/// `arguments` is null or Fluent Bit's, with its pointers null or valid; the instance and the API
/// table stay valid until the instance's exit.
pub unsafe fn init<P: Output>(arguments: *const InitArguments) -> c_int {
    guard(FLB_ERROR, || {
        panic_hook::install();
        // SAFETY: null or valid by this function's promise.
        let Some(arguments) = (unsafe { arguments.as_ref() }) else {
            return FLB_ERROR;
        };
        // SAFETY: as above.
        let Some(context) = (unsafe { arguments.context.as_mut() }) else {
            return FLB_ERROR;
        };
        // SAFETY: as above.
        let Some(instance) = (unsafe { open::<P>(arguments) }) else {
            return FLB_ERROR;
        };
        context.remote = register_instance(instance);
        FLB_OK
    })
}

/// Answers `FLBPluginFlushCtx`: passes the chunk to the plugin and waits for the verdict.
///
/// # Safety
///
/// `data` is readable for `len` bytes and `tag` null or NUL-terminated, both unchanged until this
/// returns or, where the flush yielded, until the instance's exit returns.
pub unsafe fn flush<P: Output>(
    context: *const c_void,
    data: *const c_void,
    len: usize,
    tag: *const c_char,
) -> c_int {
    let Some(instance) = lookup::<P>(context) else {
        return FLB_RETRY;
    };
    let functions = Functions::find();
    let coroutine = functions.and_then(Coroutine::current).zip(functions);
    // SAFETY: null or NUL-terminated by promise.
    let tag = unsafe { tag_bytes(tag) };
    // SAFETY: readable and unchanged until the answer: this function or exit returns only after it.
    let (mut flush, answer) =
        unsafe { Flush::borrow_chunk(data.cast(), len, tag, instance.queue.clone()) };
    let chunk = flush.borrowed();
    flush.on_engine_thread = thread::current().id() == instance.opened_on;
    flush.yields = coroutine.is_some();
    instance.workers.note_flush(&flush, &instance.queue);
    // After a panic, another thread may still have the flush and read the chunk.
    caught(&instance.queue, Level::Warn, || {
        instance.plugin.flush(flush)
    });
    let waiting: Box<dyn Waiting> = Box::new(InFlight {
        instance,
        answer,
        chunk,
    });
    let Some((coroutine, functions)) = coroutine else {
        waiting.wait();
        return waiting.finish();
    };
    // From here on the stack holds no value that needs a drop.
    match wait_queue::yield_until_answered(coroutine, functions, waiting) {
        Ok(answered) => answered.finish(),
        Err(waiting) => {
            waiting.wait();
            waiting.finish()
        }
    }
}

/// Answers `FLBPluginExitCtx`: closes the instance. Does nothing for null, which Fluent Bit passes after
/// a failed init of another instance, and for a closed instance.
///
/// Fluent Bit calls it on the engine's thread after the event loop has ended (`flb_engine_shutdown`).
/// Flushes that have yielded there are never resumed, and their chunks are freed when this returns.
/// Before 2.1, exit is called for the instance opened last only, so that call ends the flushes of all
/// instances.
pub fn exit<P: Output>(context: *const c_void) -> c_int {
    guard(FLB_ERROR, || {
        let number = context.addr();
        let each_has_an_exit = host_api::has_log_functions();
        let belongs = |other| number != 0 && (other == number || !each_has_an_exit);
        let abandoned = wait_queue::abandon(belongs);
        worker_pool::forget(number);
        let instance = unregister::<P>(context);
        log_undelivered(&abandoned);
        for flush in abandoned {
            flush.abandon();
        }
        instance.map_or(FLB_OK, release)
    })
}

/// Logs for each instance how many of its chunks are not delivered at shutdown.
fn log_undelivered(abandoned: &[Box<dyn Waiting>]) {
    let abandoned = abandoned.iter().map(|flush| &**flush);
    let mut counts: BTreeMap<usize, (usize, &dyn Waiting)> = BTreeMap::new();
    for flush in abandoned.filter(|flush| !flush.is_delivered()) {
        let (count, _) = counts.entry(flush.instance()).or_insert((0, flush));
        *count += 1;
    }
    for (count, flush) in counts.into_values() {
        flush.log_undelivered(count);
    }
}

/// A flush of an instance, until its end.
struct InFlight<P> {
    instance: Arc<Instance<P>>,
    answer: Arc<Answer>,
    chunk: BorrowedChunk,
}

impl<P: Output> InFlight<P> {
    /// Ends the flush. `is_taken`: Fluent Bit takes the answer.
    fn end(self, is_taken: bool) -> c_int {
        let code = self.answer.code().unwrap_or(FLB_RETRY);
        let outcome = if is_taken && code != FLB_RETRY {
            Outcome::Taken
        } else {
            // SAFETY: Fluent Bit keeps the chunk until flush returns or, if the flush yielded, until exit
            // returns; this is called within either.
            unsafe { self.chunk.outcome() }
        };
        caught(&self.instance.queue, Level::Warn, || {
            self.answer.end(outcome);
        });
        self.instance.queue.print();
        self.show(MetricsPublisher::publish);
        release(self.instance);
        code
    }

    fn show(&self, publish: fn(&MetricsPublisher)) {
        if let Some(publisher) = &self.instance.publisher {
            caught(&self.instance.queue, Level::Warn, || publish(publisher));
        }
    }
}

impl<P: Output> Waiting for InFlight<P> {
    fn is_answered(&self) -> bool {
        self.answer.code().is_some()
    }

    fn set_waker(&self, waker: &Arc<Waker>) {
        self.answer.set_waker(waker);
    }

    fn attend(&self) {
        self.instance.queue.print();
        self.show(MetricsPublisher::publish_if_due);
    }

    fn cancel(&self) {
        self.answer.cancel();
    }

    fn wait(&self) {
        self.answer
            .wait(|| self.show(MetricsPublisher::publish_if_due));
    }

    fn finish(self: Box<Self>) -> c_int {
        self.end(true)
    }

    fn abandon(self: Box<Self>) {
        self.end(false);
    }

    fn is_delivered(&self) -> bool {
        self.answer.code() == Some(FLB_OK)
    }

    fn log_undelivered(&self, count: usize) {
        let chunks = if count == 1 { "chunk is" } else { "chunks are" };
        Log::new(self.instance.queue.clone()).warn(format_args!(
            "Fluent Bit ends: {count} {chunks} not delivered; it keeps those of inputs with `storage.type filesystem` for its next start, and loses others; a larger `Grace` gives more time"
        ));
    }

    fn instance(&self) -> usize {
        self.instance.number
    }
}

/// Closes an instance if this is its last reference. With a Fluent Bit before 2.1, exit may be called
/// during a flush; then the end of the flush closes the instance.
fn release<P: Output>(instance: Arc<Instance<P>>) -> c_int {
    let Some(Instance { plugin, queue, .. }) = Arc::into_inner(instance) else {
        return FLB_OK;
    };
    let closed = caught(&queue, Level::Warn, || plugin.close());
    queue.print();
    closed.map_or(FLB_ERROR, |()| FLB_OK)
}

/// Registers an open instance and returns its number as a context.
fn register_instance<P: Output>(instance: Instance<P>) -> *mut c_void {
    let number = instance.number;
    let mut open = OPEN.write().unwrap_or_else(PoisonError::into_inner);
    open.push((number, Arc::new(instance)));
    ptr::without_provenance_mut(number)
}

/// Looks up the open instance of a context.
fn lookup<P: Output>(context: *const c_void) -> Option<Arc<Instance<P>>> {
    let open = OPEN.read().unwrap_or_else(PoisonError::into_inner);
    let (_, instance) = open.iter().find(|(number, _)| *number == context.addr())?;
    Arc::clone(instance).downcast().ok()
}

/// Removes the instance of a context from the open instances.
fn unregister<P: Output>(context: *const c_void) -> Option<Arc<Instance<P>>> {
    let mut open = OPEN.write().unwrap_or_else(PoisonError::into_inner);
    let at = open
        .iter()
        .position(|(number, _)| *number == context.addr())?;
    open.swap_remove(at).1.downcast().ok()
}

/// Opens an instance; `None` when the plugin fails.
///
/// # Safety
///
/// As `init`.
unsafe fn open<P: Output>(arguments: &InitArguments) -> Option<Instance<P>> {
    if arguments.api.is_null() {
        return None;
    }
    // SAFETY: Fluent Bit's instance.
    let name = unsafe { host_api::instance_name(arguments.instance) }.unwrap_or_else(numbered::<P>);
    let prefix = format!("{}:{name}", P::NAME.to_string_lossy());
    // SAFETY: both valid until the instance's exit.
    let log = unsafe { FluentBitLog::new(arguments.api, arguments.instance, prefix) };
    // SAFETY: both valid for the whole of init.
    let settings = unsafe { Settings::new(arguments.api, arguments.instance, name.clone()) };
    let queue = LogQueue::new(log);
    let plugin = caught(&queue, Level::Error, || {
        P::open(&settings, &Log::new(queue.clone()))
    })
    .flatten();
    queue.print();
    let plugin = plugin?;
    // SAFETY: both valid, in the instance's init.
    let cmetrics = unsafe { Cmetrics::of(arguments.api, arguments.instance) };
    let publisher =
        cmetrics.and_then(|cmetrics| MetricsPublisher::new(&cmetrics, &name, plugin.metrics()?));
    plugin.metrics_are_shown(publisher.is_some());
    let number = next_number();
    // SAFETY: Fluent Bit's instance, in its init.
    let workers =
        unsafe { Workers::new(number, arguments.instance, plugin.worker_threads(), &queue) };
    Some(Instance {
        number,
        plugin,
        queue,
        publisher,
        opened_on: thread::current().id(),
        workers,
    })
}

/// A unique number; never 0, which is a null context.
fn next_number() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// The name of an instance if Fluent Bit does not export its name: as Fluent Bit would number it.
fn numbered<P: Output>() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!(
        "{}.{}",
        P::NAME.to_string_lossy(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The bytes of a tag; empty for null.
///
/// # Safety
///
/// `tag` is null or NUL-terminated and unchanged for `'a`.
unsafe fn tag_bytes<'a>(tag: *const c_char) -> &'a [u8] {
    if tag.is_null() {
        return &[];
    }
    // SAFETY: not null, and NUL-terminated by this function's promise.
    unsafe { CStr::from_ptr(tag) }.to_bytes()
}

/// Converts a panic of the plugin to `None` and logs it: as an error in open, which then fails, and as a
/// warning in a flush, where no data is lost.
fn caught<T>(queue: &Arc<LogQueue>, level: Level, body: impl FnOnce() -> T) -> Option<T> {
    let result = panic::catch_unwind(AssertUnwindSafe(body)).ok();
    if result.is_none() {
        Log::new(queue.clone()).write(level, format_args!("{}", panic_hook::last_panic()));
    }
    result
}

/// Converts a panic to a return code.
fn guard(on_panic: c_int, body: impl FnOnce() -> c_int) -> c_int {
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// The open instances of this library, by number.
static OPEN: RwLock<Vec<(usize, Arc<dyn Any + Send + Sync>)>> = RwLock::new(Vec::new());

/// Fluent Bit treats only -1 as a failed registration.
const REGISTER_FAILED: c_int = -1;
