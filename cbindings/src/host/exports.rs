//! The symbols that Fluent Bit's executable exports, bound to the functions of this host.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Once;
use std::{env, mem};

use super::{coroutine, scheduler, worker_pool};

/// Loads the exports into the global scope, where plugins look them up; once.
///
/// # Panics
///
/// When the library `engine-symbols` was not built with this executable.
pub(super) fn load() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        let path = built();
        let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL in a path");
        // SAFETY: a library of this workspace, whose loading runs no code of its own.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        assert!(!handle.is_null(), "{} does not load", path.display());
        // SAFETY: an open library and a NUL-terminated name.
        let bind = unsafe { libc::dlsym(handle, c"bind_engine_symbol".as_ptr()) };
        assert!(!bind.is_null(), "{} binds nothing", path.display());
        // SAFETY: declared so in `engine-symbols`.
        let bind = unsafe { mem::transmute::<*mut c_void, Bind>(bind) };
        for (name, function) in functions() {
            // SAFETY: the type that is declared there for this name.
            let bound = unsafe { bind(name.as_ptr(), function) };
            assert_eq!(bound, 0, "{name:?}");
        }
    });
}

fn functions() -> [(&'static CStr, *mut c_void); 10] {
    [
        (c"flb_coro_get", coroutine::flb_coro_get as *mut c_void),
        (c"flb_coro_set", coroutine::flb_coro_set as *mut c_void),
        (c"co_active", coroutine::co_active as *mut c_void),
        (c"co_switch", coroutine::co_switch as *mut c_void),
        (
            c"flb_sched_ctx_get",
            scheduler::flb_sched_ctx_get as *mut c_void,
        ),
        (
            c"flb_sched_timer_cb_create",
            scheduler::flb_sched_timer_cb_create as *mut c_void,
        ),
        (
            c"flb_sched_timer_invalidate",
            scheduler::flb_sched_timer_invalidate as *mut c_void,
        ),
        (
            c"flb_output_name",
            worker_pool::flb_output_name as *mut c_void,
        ),
        (
            c"flb_output_set_property",
            worker_pool::flb_output_set_property as *mut c_void,
        ),
        (
            c"flb_output_enable_multi_threading",
            worker_pool::flb_output_enable_multi_threading as *mut c_void,
        ),
    ]
}

/// The path of the library that Cargo built: in the folder of a test, or in `deps` for a program.
fn built() -> PathBuf {
    let executable = env::current_exe().expect("an executable has a file");
    let below = executable.with_file_name("deps").join(FILE);
    if below.is_file() {
        below
    } else {
        executable.with_file_name(FILE)
    }
}

const FILE: &str = "libengine_symbols.so";

type Bind = unsafe extern "C" fn(*const c_char, *mut c_void) -> c_int;
