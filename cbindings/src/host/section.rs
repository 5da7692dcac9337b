//! An `[OUTPUT]` section and its options.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::worker_pool::WorkerPool;

/// One `[OUTPUT]` section to open.
#[derive(Debug)]
pub struct Section {
    options: Vec<(CString, CString)>,
    log_level: c_int,
    stack_size: usize,
    asked: Mutex<BTreeSet<String>>,
    name: OnceLock<CString>,
    pub(super) pool: WorkerPool,
}

impl Section {
    /// A section with these options, log level info and the smallest stack of the supported Fluent Bit
    /// versions.
    ///
    /// Keys may be repeated; as in Fluent Bit the first one is used.
    ///
    /// # Panics
    ///
    /// When a key or a value contains a NUL, which a configuration cannot.
    #[must_use]
    pub fn new<K: AsRef<str>, V: AsRef<str>>(options: impl IntoIterator<Item = (K, V)>) -> Self {
        let options = options
            .into_iter()
            .map(|(key, value)| (c_string(key.as_ref()), c_string(value.as_ref())))
            .collect();
        Self {
            options,
            log_level: INFO,
            stack_size: SMALLEST_STACK,
            asked: Mutex::default(),
            name: OnceLock::new(),
            pool: WorkerPool::default(),
        }
    }

    /// Sets the section's `log_level`: 0 off, 1 error, 2 warning, 3 info, 4 debug.
    #[must_use]
    pub fn log_level(mut self, level: c_int) -> Self {
        self.log_level = level;
        self
    }

    /// Sets the size of the stack that flush is called on, in bytes, rounded up to whole pages.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Names the section as Fluent Bit numbers it.
    pub(super) fn set_name(&self, name: &str) {
        drop(self.name.set(c_string(name)));
    }

    pub(super) fn name(&self) -> &CStr {
        self.name
            .get()
            .expect("a section is named when it is opened")
    }

    /// The value of `workers`, which Fluent Bit handles itself.
    ///
    /// # Panics
    ///
    /// When the value is not a number.
    pub(super) fn workers(&self) -> u32 {
        let value = self.find(c"workers").and_then(|value| value.to_str().ok());
        value.map_or(0, |count| count.parse().expect("workers is a number"))
    }

    pub(super) fn stack(&self) -> usize {
        self.stack_size
    }

    pub(super) fn logs_at(&self, level: c_int) -> bool {
        level <= self.log_level
    }

    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// As `flb_config_prop_get`: the value of the first key that is equal, ignoring ASCII case.
    pub(super) fn property(&self, key: &CStr) -> *const c_char {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(key.to_string_lossy().into_owned());
        if key.to_bytes().eq_ignore_ascii_case(b"workers") {
            return ptr::null();
        }
        self.find(key).map_or(ptr::null(), CStr::as_ptr)
    }

    fn find(&self, key: &CStr) -> Option<&CStr> {
        let same = |own: &CStr| own.to_bytes().eq_ignore_ascii_case(key.to_bytes());
        let found = self.options.iter().find(|(own, _)| same(own));
        found.map(|(_, value)| value.as_c_str())
    }
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("no NUL in a configuration")
}

/// `FLB_LOG_INFO`.
const INFO: c_int = 3;

/// `3 * PTHREAD_STACK_MIN / 2` on x86-64, the stack size of Fluent Bit before 5.1.0.
const SMALLEST_STACK: usize = 24 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(section: &Section, key: &CStr) -> Option<String> {
        let value = section.property(key);
        if value.is_null() {
            return None;
        }
        // SAFETY: not null, so a value of the section, which is alive.
        let value = unsafe { CStr::from_ptr(value) };
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_first_of_two_equal_keys_is_found_ignoring_case() {
        let section = Section::new([("Region", "a"), ("region", "b")]);
        assert_eq!(found(&section, c"REGION").as_deref(), Some("a"));
        assert_eq!(found(&section, c"reg"), None);
    }

    #[test]
    fn requested_keys_are_recorded_whether_set_or_not() {
        let section = Section::new([("region", "a")]);
        found(&section, c"region");
        found(&section, c"endpoint");
        assert_eq!(
            section.asked().into_iter().collect::<Vec<_>>(),
            ["endpoint", "region"]
        );
    }
}
