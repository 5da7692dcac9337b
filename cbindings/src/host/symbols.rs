//! The exported functions of a plugin, looked up by name as in Fluent Bit.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;

use crate::abi::{Context, Definition, InitArguments};

/// The structure for init (`struct flbgo_output_plugin`): the plugin's arguments, and Fluent Bit's five
/// callbacks after them.
#[repr(C)]
pub(super) struct OutputPlugin {
    pub(super) arguments: InitArguments,
    pub(super) callbacks: [*mut c_void; 5],
}

/// The structure of a context (`struct flb_plugin_proxy_context`).
#[repr(C)]
pub(super) struct ProxyContext {
    pub(super) context: Context,
    pub(super) proxy: *mut c_void,
}

/// The exports of a plugin.
#[derive(Debug)]
pub(super) struct Symbols {
    pub(super) pre_register: Option<unsafe extern "C" fn(c_int) -> c_int>,
    pub(super) register: unsafe extern "C" fn(*mut Definition) -> c_int,
    pub(super) init: unsafe extern "C" fn(*const InitArguments) -> c_int,
    pub(super) pre_run: Option<unsafe extern "C" fn(c_int) -> c_int>,
    pub(super) flush: FlushCtx,
    pub(super) pre_exit: Option<unsafe extern "C" fn(c_int)>,
    pub(super) exit: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub(super) unregister: Option<unsafe extern "C" fn(*mut Definition)>,
}

impl Symbols {
    /// Looks up the exports.
    ///
    /// # Errors
    ///
    /// When a symbol is missing; the text has its name. Fluent Bit would use `FLBPluginFlush` in place of
    /// `FLBPluginFlushCtx` (and likewise for exit), but these cannot distinguish instances.
    ///
    /// # Safety
    ///
    /// `handle` is an open library, and what it exports under these names has the types above.
    pub(super) unsafe fn of(handle: *mut c_void) -> Result<Self, String> {
        let found = |name: &CStr| {
            // SAFETY: an open library by promise, and a NUL-terminated name.
            let symbol = unsafe { libc::dlsym(handle, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        let needed = |name: &CStr| {
            found(name).ok_or_else(|| format!("no symbol {}", name.to_string_lossy()))
        };
        Ok(Self {
            // SAFETY: an export of that type by promise; so are the following.
            pre_register: found(c"FLBPluginPreRegister").map(|f| unsafe { mem::transmute(f) }),
            // SAFETY: as above.
            register: needed(c"FLBPluginRegister").map(|f| unsafe { mem::transmute(f) })?,
            // SAFETY: as above.
            init: needed(c"FLBPluginInit").map(|f| unsafe { mem::transmute(f) })?,
            // SAFETY: as above.
            pre_run: found(c"FLBPluginOutputPreRun").map(|f| unsafe { mem::transmute(f) }),
            // SAFETY: as above.
            flush: needed(c"FLBPluginFlushCtx").map(|f| unsafe { mem::transmute(f) })?,
            // SAFETY: as above.
            pre_exit: found(c"FLBPluginOutputPreExit").map(|f| unsafe { mem::transmute(f) }),
            // SAFETY: as above.
            exit: needed(c"FLBPluginExitCtx").map(|f| unsafe { mem::transmute(f) })?,
            // SAFETY: as above.
            unregister: found(c"FLBPluginUnregister").map(|f| unsafe { mem::transmute(f) }),
        })
    }
}

type FlushCtx = unsafe extern "C" fn(*const c_void, *const c_void, usize, *const c_char) -> c_int;
