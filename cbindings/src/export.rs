//! The exported symbols of a plugin.

/// Exports a plugin from a `cdylib` crate with the symbol names that Fluent Bit looks up.
///
/// Each function calls its body in this crate, which includes the panic guard. `FLBPluginFlush` and
/// `FLBPluginExit` are the variants without a context: Fluent Bit looks them up, but calls them only if
/// the variants with a context are missing.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        /// Called before registration by Fluent Bit since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginPreRegister(
            _hot_reloading: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            $crate::pre_register()
        }

        /// Returns the plugin's type and name to Fluent Bit.
        ///
        /// # Safety
        ///
        /// Called by Fluent Bit with its definition.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginRegister(
            definition: *mut $crate::abi::Definition,
        ) -> ::std::ffi::c_int {
            // SAFETY: Fluent Bit's contract.
            unsafe { $crate::register::<$plugin>(definition) }
        }

        /// Opens an instance.
        ///
        /// # Safety
        ///
        /// Called by Fluent Bit with its arguments.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginInit(
            arguments: *const $crate::abi::InitArguments,
        ) -> ::std::ffi::c_int {
            // SAFETY: Fluent Bit's contract.
            unsafe { $crate::init::<$plugin>(arguments) }
        }

        /// Delivers a chunk.
        ///
        /// # Safety
        ///
        /// Called by Fluent Bit with the context that init stored.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginFlushCtx(
            context: *const ::std::ffi::c_void,
            data: *const ::std::ffi::c_void,
            len: usize,
            tag: *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            // SAFETY: Fluent Bit's contract.
            unsafe { $crate::flush::<$plugin>(context, data, len, tag) }
        }

        /// The variant without a context: an error, as the instance is unknown.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginFlush(
            _data: *const ::std::ffi::c_void,
            _len: usize,
            _tag: *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            $crate::abi::FLB_ERROR
        }

        /// Called after the pipeline is set up, by Fluent Bit since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginOutputPreRun(
            hot_reload: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            $crate::pre_run(hot_reload)
        }

        /// Called before exit, by Fluent Bit since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginOutputPreExit(_hot_reloading: ::std::ffi::c_int) {}

        /// Closes an instance.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginExitCtx(
            context: *const ::std::ffi::c_void,
        ) -> ::std::ffi::c_int {
            $crate::exit::<$plugin>(context)
        }

        /// The variant without a context: nothing to close.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginExit() -> ::std::ffi::c_int {
            $crate::abi::FLB_OK
        }

        /// Called when the plugin is unregistered. Nothing was allocated for the definition.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginUnregister(_definition: *mut $crate::abi::Definition) {}
    };
}
