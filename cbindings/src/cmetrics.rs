//! Safe wrappers of the cmetrics functions that Fluent Bit's executable exports.
//!
//! Sources: fluent-bit `lib/cmetrics/include/cmetrics/cmt_counter.h`, `cmt_gauge.h` and
//! `cmt_histogram.h`, equal in every Fluent Bit since 2.2.0. The functions are used only if all of them
//! are exported. `metrics` documents when and on which threads they are called.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::{mem, ptr};

use crate::abi::Api;
use crate::host_api::{has_log_functions, symbol};
use crate::metric_types::{self, Kind, PREFIX, Value};

/// The cmetrics context of an output.
pub(crate) struct Cmetrics {
    context: *mut c_void,
    functions: Functions,
}

/// A metric family in cmetrics.
pub(crate) struct Family {
    metric: *mut c_void,
    kind: Kind,
    functions: Functions,
}

// SAFETY: the pointer is only passed to cmetrics' setters of existing series, which use atomics only.
unsafe impl Send for Family {}
// SAFETY: as above.
unsafe impl Sync for Family {}

#[derive(Clone, Copy)]
struct Functions {
    counter_create: Create,
    counter_set: Set,
    gauge_create: Create,
    gauge_set: Set,
    histogram_buckets: CreateBuckets,
    histogram_create: CreateHistogram,
    histogram_set: SetHistogram,
}

impl Cmetrics {
    /// The metrics of an instance; `None` if Fluent Bit was built without metrics.
    ///
    /// A Fluent Bit without metrics leaves the table's entry uninitialised and exports no function of
    /// that name. So the entry is used only if it equals the exported function.
    ///
    /// # Safety
    ///
    /// `api` is Fluent Bit's table and `instance` its output instance, in that instance's init.
    pub(crate) unsafe fn of(api: *const Api, instance: *mut c_void) -> Option<Self> {
        if !has_log_functions() {
            return None;
        }
        let exported = symbol(c"flb_output_get_cmt_instance")?;
        // SAFETY: a Fluent Bit that pre-registers allocates the table beyond this entry.
        let entry = unsafe { (*api).output_get_cmt_instance }?;
        if !ptr::eq(entry as *const c_void, exported) {
            return None;
        }
        let functions = Functions::find()?;
        // SAFETY: Fluent Bit's own function with its own instance.
        let context = unsafe { entry(instance) };
        (!context.is_null()).then_some(Self { context, functions })
    }

    /// Creates a family without series.
    pub(crate) fn family(&self, family: &metric_types::Family) -> Option<Family> {
        let name = PREFIX.trim_start_matches(NAMESPACE).trim_start_matches('_');
        let (subsystem, rest) = name.split_once('_')?;
        let name = CString::new(format!("{rest}{}", family.name)).ok()?;
        let texts = [
            CString::new(NAMESPACE).ok()?,
            CString::new(subsystem).ok()?,
            name,
            CString::new(family.help).ok()?,
        ];
        let labels = ["name"].into_iter().chain(family.labels.iter().copied());
        let labels: Vec<CString> = labels.map(CString::new).collect::<Result<_, _>>().ok()?;
        let metric = self.create(family.kind, &texts, &labels);
        let functions = self.functions;
        (!metric.is_null()).then_some(Family {
            metric,
            kind: family.kind,
            functions,
        })
    }

    fn create(&self, kind: Kind, texts: &[CString; 4], labels: &[CString]) -> *mut c_void {
        let [namespace, subsystem, name, help] = texts.each_ref().map(|text| text.as_ptr());
        let mut pointers = pointers(labels);
        let (count, labels) = (count(labels), pointers.as_mut_ptr());
        let context = self.context;
        let Functions {
            counter_create,
            gauge_create,
            histogram_buckets,
            histogram_create,
            ..
        } = self.functions;
        match kind {
            // SAFETY: the instance's context in its init; strings end in NUL and are copied.
            Kind::Counter => unsafe {
                counter_create(context, namespace, subsystem, name, help, count, labels)
            },
            // SAFETY: as above.
            Kind::Gauge => unsafe {
                gauge_create(context, namespace, subsystem, name, help, count, labels)
            },
            Kind::Histogram(bounds) => {
                // SAFETY: `bounds.len()` bounds, which are copied.
                let buckets = unsafe { histogram_buckets(bounds.as_ptr(), bounds.len()) };
                // SAFETY: as above; the histogram owns the buckets, and null means the default ones.
                unsafe {
                    histogram_create(
                        context, namespace, subsystem, name, help, buckets, count, labels,
                    )
                }
            }
        }
    }
}

impl Family {
    /// Sets the value of one series; creates the series if it does not exist.
    pub(crate) fn set(&self, labels: &[CString], value: &Value, now: u64) {
        let mut pointers = pointers(labels);
        let (count, labels) = (count(labels), pointers.as_mut_ptr());
        match (self.kind, value) {
            (Kind::Counter, Value::Number(value)) => {
                // SAFETY: a counter that lives as long as the instance; `metrics` says on which
                // threads. Strings end in NUL and are copied.
                unsafe { (self.functions.counter_set)(self.metric, now, *value, count, labels) };
            }
            (Kind::Gauge, Value::Number(value)) => {
                // SAFETY: as above, for a gauge.
                unsafe { (self.functions.gauge_set)(self.metric, now, *value, count, labels) };
            }
            (Kind::Histogram(bounds), Value::Histogram { buckets, sum })
                if buckets.len() == bounds.len() + 1 =>
            {
                let all = buckets[bounds.len()];
                let (metric, buckets) = (self.metric, buckets.as_ptr());
                // SAFETY: as above, for a histogram; as many buckets as it has, which are copied.
                unsafe {
                    (self.functions.histogram_set)(metric, now, buckets, *sum, all, count, labels)
                };
            }
            _ => {}
        }
    }
}

impl Functions {
    fn find() -> Option<Self> {
        let found = |name: &CStr| symbol(name);
        Some(Self {
            // SAFETY: this symbol's declaration in `cmt_counter.h`; so are the following in theirs.
            counter_create: unsafe {
                mem::transmute::<*mut c_void, Create>(found(c"cmt_counter_create")?)
            },
            // SAFETY: as above.
            counter_set: unsafe { mem::transmute::<*mut c_void, Set>(found(c"cmt_counter_set")?) },
            // SAFETY: as above.
            gauge_create: unsafe {
                mem::transmute::<*mut c_void, Create>(found(c"cmt_gauge_create")?)
            },
            // SAFETY: as above.
            gauge_set: unsafe { mem::transmute::<*mut c_void, Set>(found(c"cmt_gauge_set")?) },
            // SAFETY: as above.
            histogram_buckets: unsafe {
                mem::transmute::<*mut c_void, CreateBuckets>(found(
                    c"cmt_histogram_buckets_create_size",
                )?)
            },
            // SAFETY: as above.
            histogram_create: unsafe {
                mem::transmute::<*mut c_void, CreateHistogram>(found(c"cmt_histogram_create")?)
            },
            // SAFETY: as above.
            histogram_set: unsafe {
                mem::transmute::<*mut c_void, SetHistogram>(found(c"cmt_histogram_set_default")?)
            },
        })
    }
}

fn pointers(labels: &[CString]) -> Vec<*const c_char> {
    labels.iter().map(|label| label.as_ptr()).collect()
}

fn count(labels: &[CString]) -> c_int {
    c_int::try_from(labels.len()).unwrap_or_default()
}

const NAMESPACE: &str = "fluentbit";

type Text = *const c_char;
type Create = unsafe extern "C" fn(
    *mut c_void,
    Text,
    Text,
    Text,
    Text,
    c_int,
    *mut *const c_char,
) -> *mut c_void;
type Set = unsafe extern "C" fn(*mut c_void, u64, f64, c_int, *mut *const c_char) -> c_int;
type CreateBuckets = unsafe extern "C" fn(*const f64, usize) -> *mut c_void;
type CreateHistogram = unsafe extern "C" fn(
    *mut c_void,
    Text,
    Text,
    Text,
    Text,
    *mut c_void,
    c_int,
    *mut *const c_char,
) -> *mut c_void;
type SetHistogram = unsafe extern "C" fn(
    *mut c_void,
    u64,
    *const u64,
    f64,
    u64,
    c_int,
    *mut *const c_char,
) -> c_int;
