//! The router of the demo: a real Fluent Bit, or the plugin host.

use std::fmt::{self, Display};
use std::path::Path;

use super::Failure;
use super::driver::Sent;
use super::fluent_bit::{self, FluentBit};
use super::plugin_host::PluginHosts;
use super::task::Task;
use crate::chunk::Container;

/// Series in the format of Prometheus, or why there are none.
pub(super) type Metrics = Result<Vec<String>, String>;

/// A running router.
pub(super) enum Router {
    FluentBit(FluentBit),
    PluginHost(PluginHosts),
}

/// Where one container's records enter the router.
pub(super) trait Entrance {
    /// Takes a record; it may be kept until there are more.
    fn take(&mut self, sent: Sent) -> Result<(), Failure>;

    /// Takes no more, and delivers what was kept.
    fn close(self: Box<Self>) -> Result<(), Failure>;
}

impl Router {
    /// Starts Fluent Bit if there is one, else the plugin host.
    pub(super) fn start(task: &Task, folder: &Path) -> Result<Self, Failure> {
        Ok(match fluent_bit::program()? {
            Some(program) => Self::FluentBit(FluentBit::start(&program, task, folder)?),
            None => Self::PluginHost(PluginHosts::start(task)?),
        })
    }

    /// The way into the router for a container's records.
    pub(super) fn entrance(
        &self,
        container: &Container,
    ) -> Result<Box<dyn Entrance + '_>, Failure> {
        Ok(match self {
            Self::FluentBit(fluent_bit) => Box::new(fluent_bit.entrance(container)?),
            Self::PluginHost(hosts) => Box::new(hosts.entrance(container)),
        })
    }

    /// Whether it still runs; an error says what it left behind.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::FluentBit(fluent_bit) => fluent_bit.check(),
            Self::PluginHost(_) => Ok(()),
        }
    }

    /// Reloads the configuration while no container is connected; says how.
    pub(super) fn reload(&self) -> Result<String, Failure> {
        match self {
            Self::FluentBit(fluent_bit) => fluent_bit.reload(),
            Self::PluginHost(hosts) => hosts.reload(),
        }
    }

    /// The plugins' series of now, or why there are none.
    pub(super) fn metrics(&self) -> Result<Metrics, Failure> {
        match self {
            Self::FluentBit(fluent_bit) => fluent_bit.metrics(),
            Self::PluginHost(_) => Ok(Err("the plugin host has no metrics endpoint".to_owned())),
        }
    }

    /// Stops it as ECS does, and waits until it has ended. Returns what the plugins wrote into the log
    /// at the levels warn and error.
    pub(super) fn stop(self) -> Result<Vec<String>, Failure> {
        match self {
            Self::FluentBit(fluent_bit) => fluent_bit.stop(),
            Self::PluginHost(hosts) => Ok(hosts.stop()),
        }
    }
}

impl Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FluentBit(fluent_bit) => fluent_bit.fmt(f),
            Self::PluginHost(_) => f.write_str(
                "the plugin host of the tests, as there is no Fluent Bit in $FLUENT_BIT or on PATH",
            ),
        }
    }
}
