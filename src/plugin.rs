//! An output section of any destination: Fluent Bit's calls open, flush and close it.

use std::ffi::CStr;
use std::sync::Arc;

use cbindings::{Flush, Log, Metrics, Output, Settings};

use crate::delivery::permits::Permits;
use crate::destination::{Destination, read_options};
use crate::options::Reader;
use crate::options::common::Common;
use crate::options::env::environment;
use crate::pipeline::Pipeline;
use crate::runtime::RuntimeHandle;

/// One output section.
#[derive(Debug)]
pub struct Plugin<D: Destination> {
    pipeline: Arc<Pipeline<D>>,
    runtime: RuntimeHandle,
    permits: Permits,
}

impl<D: Destination> Output for Plugin<D> {
    const NAME: &'static CStr = D::NAME;
    const DESCRIPTION: &'static CStr = D::DESCRIPTION;

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        let (config, common) = configure::<D>(settings, log)?;
        let runtime = RuntimeHandle::acquire()
            .inspect_err(|error| log.error(format_args!("no threads to work on: {error}")))
            .ok()?;
        let permits = Permits::new(common.concurrency, common.flush_timeout);
        let pipeline = Arc::new(Pipeline::new(config, common, settings, log.clone()));
        pipeline.clone().fetch_metadata_on(&runtime);
        D::opened(&pipeline, &runtime);
        Some(Self {
            pipeline,
            runtime,
            permits,
        })
    }

    fn flush(&self, flush: Flush) {
        let pipeline = self.pipeline.clone();
        let telemetry = pipeline.telemetry.clone();
        self.runtime
            .deliver(flush, &self.permits, telemetry, |admitted| async move {
                pipeline.deliver(admitted).await
            });
    }

    fn worker_threads(&self) -> u32 {
        self.pipeline.common.concurrency
    }

    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        Some(self.pipeline.telemetry.metrics.clone())
    }

    fn metrics_are_shown(&self, shown: bool) {
        self.pipeline.telemetry.metrics.shown(shown);
    }

    fn close(self) {
        D::closing(&self.pipeline, &self.runtime);
        self.pipeline.telemetry.close();
    }
}

/// Reads a section's options. Logs each problem as an error and then returns `None`. Logs each key that
/// has no effect as a warning.
fn configure<D: Destination>(settings: &Settings, log: &Log) -> Option<(D::Config, Common)> {
    let reader = Reader::new(D::OPTIONS, |key| settings.option(key));
    let (config, common) = read_options::<D>(&reader, environment);
    for unknown in reader.unknown(D::FOREIGN) {
        log.warn(format_args!("{unknown}"));
    }
    let problems = reader.problems();
    for problem in &problems {
        log.error(format_args!("{problem}"));
    }
    problems.is_empty().then_some((config, common))
}

/// Names the output section of a destination as a type without parameters.
///
/// Rust compiles generic code in the crate that names its parameters. This crate polls the SDK's
/// requests elsewhere too (credentials, creates), so a shared object that named them itself would hold
/// that code twice: 0.4 MB.
macro_rules! output {
    ($(#[$doc:meta])* $name:ident, $destination:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name($crate::plugin::Plugin<$destination>);

        impl ::cbindings::Output for $name {
            const NAME: &'static ::std::ffi::CStr =
                <$crate::plugin::Plugin<$destination> as ::cbindings::Output>::NAME;
            const DESCRIPTION: &'static ::std::ffi::CStr =
                <$crate::plugin::Plugin<$destination> as ::cbindings::Output>::DESCRIPTION;

            fn open(settings: &::cbindings::Settings, log: &::cbindings::Log) -> Option<Self> {
                ::cbindings::Output::open(settings, log).map(Self)
            }

            fn flush(&self, flush: ::cbindings::Flush) {
                self.0.flush(flush);
            }

            fn worker_threads(&self) -> u32 {
                self.0.worker_threads()
            }

            fn metrics(&self) -> Option<::std::sync::Arc<dyn ::cbindings::Metrics>> {
                self.0.metrics()
            }

            fn metrics_are_shown(&self, shown: bool) {
                self.0.metrics_are_shown(shown);
            }

            fn close(self) {
                self.0.close();
            }
        }
    };
}

pub(crate) use output;
