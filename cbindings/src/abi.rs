//! The contract's structures, as Fluent Bit lays them out.
//!
//! Source: fluent-bit `include/fluent-bit/flb_plugin_proxy.h`, `src/proxy/go/go.h` and
//! `include/fluent-bit/flb_api.h`. Each mirror ends at the last field that every supported host
//! has, because later fields are not allocated by earlier hosts; what is read beyond is said at
//! the place that reads it. `include/fluent_bit_proxy.h` is the same contract for C, and a test
//! compares the two.

use std::ffi::{c_char, c_int, c_void};

/// What `FLBPluginRegister` fills in (`struct flb_plugin_proxy_def`).
///
/// Fluent Bit appends `event_type` since 4.2.3 and `config_map` since 5.1.1, both zeroed (logs only, no
/// map), which is what we mean. Earlier versions do not allocate them, so they are never touched, and
/// do not zero the structure.
#[derive(Debug)]
#[repr(C)]
pub struct Definition {
    /// Kind of plugin: [`OUTPUT_PLUGIN`].
    pub kind: c_int,
    /// Calling convention: [`GO_PROXY`].
    pub proxy: c_int,
    /// Host network flags; zero, as our connections are our own.
    pub flags: c_int,
    /// Name that a configuration uses; the host copies it.
    pub name: *const c_char,
    /// One line for the host's help; the host keeps the pointer.
    pub description: *const c_char,
}

/// What `FLBPluginInit` is given (`struct flbgo_output_plugin`).
///
/// There is one per library, overwritten for each `[OUTPUT]` section: nothing of it is kept.
#[derive(Debug)]
#[repr(C)]
pub struct InitArguments {
    /// The registered name.
    pub name: *mut c_char,
    /// The host's functions.
    pub api: *const Api,
    /// The output instance (`struct flb_output_instance`), opaque to us.
    pub instance: *mut c_void,
    /// Where our own context is stored.
    pub context: *mut Context,
}

/// Where an instance keeps its state between calls (`struct flb_plugin_proxy_context`).
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    /// Ours; handed to `FLBPluginFlushCtx` and `FLBPluginExitCtx`.
    pub remote: *mut c_void,
}

/// The host's functions (`struct flb_api`) up to the last one we call.
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
    /// Since 2.0.0: writes a line to the host's log: level, file, line, format.
    pub log_print: Option<unsafe extern "C" fn(c_int, *const c_char, c_int, *const c_char, ...)>,
    /// Since 2.0.0: whether an input logs at a level.
    pub input_log_check: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
    /// Since 2.0.0: whether an output logs at a level.
    pub output_log_check: Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>,
}

/// `flb_output_get_property` and its sibling for inputs.
pub type GetProperty = unsafe extern "C" fn(*const c_char, *mut c_void) -> *const c_char;

/// `FLB_PROXY_OUTPUT_PLUGIN`.
pub const OUTPUT_PLUGIN: c_int = 2;
/// `FLB_PROXY_GOLANG`.
pub const GO_PROXY: c_int = 11;
/// `FLB_ERROR`: the chunk is given up.
pub const FLB_ERROR: c_int = 0;
/// `FLB_OK`: the chunk is done with.
pub const FLB_OK: c_int = 1;
/// `FLB_RETRY`: the chunk shall come again.
pub const FLB_RETRY: c_int = 2;
