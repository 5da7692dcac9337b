//! The structures of the ABI, with Fluent Bit's layout.
//!
//! Source: fluent-bit `include/fluent-bit/flb_plugin_proxy.h`, `src/proxy/go/go.h` and
//! `include/fluent-bit/flb_api.h`. Each structure ends at the last field that every supported
//! Fluent Bit has, because earlier versions do not allocate later fields. Code that reads later fields
//! says so. `include/fluent_bit_proxy.h` is the same contract for C, and a test compares the two.

use std::ffi::{c_char, c_int, c_void};

/// What `FLBPluginRegister` fills in (`struct flb_plugin_proxy_def`).
///
/// Fluent Bit has the further fields `event_type` since 4.2.3 and `config_map` since 5.1.1, both zeroed
/// (logs only, no map), which is correct for these plugins. Earlier versions neither allocate them nor
/// zero the structure, so they are never accessed.
#[derive(Debug)]
#[repr(C)]
pub struct Definition {
    /// Kind of plugin: [`OUTPUT_PLUGIN`].
    pub kind: c_int,
    /// Calling convention: [`GO_PROXY`].
    pub proxy: c_int,
    /// Network flags; zero, as the plugin opens its own connections.
    pub flags: c_int,
    /// Name in a configuration; Fluent Bit copies it.
    pub name: *const c_char,
    /// One line for `fluent-bit --help`; Fluent Bit keeps the pointer.
    pub description: *const c_char,
}

/// The arguments of `FLBPluginInit` (`struct flbgo_output_plugin`).
///
/// There is one per library, overwritten for each `[OUTPUT]` section, so no pointer into it is kept.
#[derive(Debug)]
#[repr(C)]
pub struct InitArguments {
    /// The registered name.
    pub name: *mut c_char,
    /// Fluent Bit's functions.
    pub api: *const Api,
    /// The output instance (`struct flb_output_instance`), opaque to the plugin.
    pub instance: *mut c_void,
    /// Where the plugin stores its context.
    pub context: *mut Context,
}

/// The plugin's state of an instance between calls (`struct flb_plugin_proxy_context`).
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    /// The plugin's context; passed to `FLBPluginFlushCtx` and `FLBPluginExitCtx`.
    pub remote: *mut c_void,
}

/// Fluent Bit's functions (`struct flb_api`) up to the last one that plugins call.
///
/// Only the first one exists before 2.0.0. Fluent Bit allocates the table to its own size, so the
/// others may be read only when `host_api` knows the version to be recent enough.
#[derive(Debug)]
#[repr(C)]
pub struct Api {
    /// Reads an option of an output section; null when it is not set.
    pub output_get_property: Option<GetProperty>,
    /// Since 2.0.0: reads an option of an input section.
    pub input_get_property: Option<GetProperty>,
    /// Since 2.0.0: the metrics context of an output; not initialised in builds without metrics.
    pub output_get_cmt_instance: Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>,
    /// Since 2.0.0: the metrics context of an input.
    pub input_get_cmt_instance: Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>,
    /// Since 2.0.0: writes a line to Fluent Bit's log: level, file, line, format.
    pub log_print: Option<unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...)>,
    /// Since 2.0.0: whether an input logs at a level.
    pub input_log_check: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
    /// Since 2.0.0: whether an output logs at a level.
    pub output_log_check: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
}

/// `flb_output_get_property` and `flb_input_get_property`.
pub type GetProperty = unsafe extern "C" fn(*const c_char, *mut c_void) -> *const c_char;

/// `FLB_PROXY_OUTPUT_PLUGIN`.
pub const OUTPUT_PLUGIN: c_int = 2;
/// `FLB_PROXY_GOLANG`.
pub const GO_PROXY: c_int = 11;
/// `FLB_ERROR`: Fluent Bit drops the chunk.
pub const FLB_ERROR: c_int = 0;
/// `FLB_OK`: the chunk is delivered.
pub const FLB_OK: c_int = 1;
/// `FLB_RETRY`: Fluent Bit retries the chunk.
pub const FLB_RETRY: c_int = 2;
