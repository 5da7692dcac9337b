//! The structures of Fluent Bit's versions.

use std::mem;

use crate::abi::{Api, Definition};

/// A range of Fluent Bit versions with the same ABI.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Generation {
    /// 1.4 to 1.9: one function in the API table, no calls around registration and run.
    V1_9,
    /// 2.2.0 to 4.2.2: log functions, `FLBPluginPreRegister`, `FLBPluginOutputPreRun` and `PreExit`.
    V2_2,
    /// 4.2.3 to 5.1.0: two more functions in the API table, `event_type` at the end of the definition.
    V4_2,
    /// 5.1.1: `config_map` after `event_type`.
    V5_1,
}

impl Generation {
    /// Size of `struct flb_plugin_proxy_def`.
    pub(super) fn definition_len(self) -> usize {
        let appended = match self {
            Self::V1_9 | Self::V2_2 => 0,
            // `int event_type`, padded.
            Self::V4_2 => POINTER,
            // The same, and `struct flb_config_map *config_map`.
            Self::V5_1 => 2 * POINTER,
        };
        mem::size_of::<Definition>() + appended
    }

    /// Size of `struct flb_api`.
    pub(super) fn table_len(self) -> usize {
        match self {
            Self::V1_9 => POINTER,
            Self::V2_2 => mem::size_of::<Api>(),
            // `custom_get_property` and `custom_log_check`.
            Self::V4_2 | Self::V5_1 => mem::size_of::<Api>() + 2 * POINTER,
        }
    }

    /// How often Fluent Bit starts the worker threads of a section after its init.
    pub(super) fn pool_starts(self) -> usize {
        if self >= Self::V2_2 { 2 } else { 1 }
    }

    /// Whether the callbacks that 2.2.0 added are called.
    pub(super) fn calls_around(self) -> bool {
        self >= Self::V2_2
    }
}

const POINTER: usize = mem::size_of::<usize>();
