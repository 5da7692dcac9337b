//! The names the host looks up, made for one plugin.

/// Exports a plugin from a `cdylib` crate under the names Fluent Bit looks up.
///
/// Each function is the boundary's, guard included, so that an export without the guard cannot be
/// written. `FLBPluginFlush` and `FLBPluginExit` are the forms without a context: hosts look them
/// up but call them only when the forms with a context are missing.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        /// Called before registration by hosts since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginPreRegister(
            _hot_reloading: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            $crate::pre_register()
        }

        /// Tells the host the plugin's kind and name.
        ///
        /// # Safety
        ///
        /// Called by the host with its definition.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginRegister(
            definition: *mut $crate::abi::Definition,
        ) -> ::std::ffi::c_int {
            // SAFETY: the host's contract.
            unsafe { $crate::register::<$plugin>(definition) }
        }

        /// Opens one instance.
        ///
        /// # Safety
        ///
        /// Called by the host with its arguments.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginInit(
            arguments: *const $crate::abi::InitArguments,
        ) -> ::std::ffi::c_int {
            // SAFETY: the host's contract.
            unsafe { $crate::init::<$plugin>(arguments) }
        }

        /// Delivers one chunk.
        ///
        /// # Safety
        ///
        /// Called by the host with the context that init stored.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn FLBPluginFlushCtx(
            context: *const ::std::ffi::c_void,
            data: *const ::std::ffi::c_void,
            len: usize,
            tag: *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            // SAFETY: the host's contract.
            unsafe { $crate::flush::<$plugin>(context, data, len, tag) }
        }

        /// The form without a context: says that it cannot know the instance.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginFlush(
            _data: *const ::std::ffi::c_void,
            _len: usize,
            _tag: *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            $crate::abi::FLB_ERROR
        }

        /// Called once the pipeline is set up, by hosts since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginOutputPreRun(
            hot_reload: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            $crate::pre_run(hot_reload)
        }

        /// Called before exit, by hosts since 2.2.0.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginOutputPreExit(_hot_reloading: ::std::ffi::c_int) {}

        /// Closes one instance.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginExitCtx(
            context: *const ::std::ffi::c_void,
        ) -> ::std::ffi::c_int {
            $crate::exit::<$plugin>(context)
        }

        /// The form without a context: nothing to close.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginExit() -> ::std::ffi::c_int {
            $crate::abi::FLB_OK
        }

        /// Called when the host forgets the plugin: nothing was allocated for the definition.
        #[unsafe(no_mangle)]
        pub extern "C" fn FLBPluginUnregister(_definition: *mut $crate::abi::Definition) {}
    };
}
