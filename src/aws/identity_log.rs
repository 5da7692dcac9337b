//! The line that says who requests are made as, at the first success of an instance.
//!
//! It stands where the answer is seen, since only then all of it is known: the provider that was
//! found, the endpoint that was resolved, and that both are accepted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::aws::credentials::registry::Shared;
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;

/// Watches the answers of one client.
#[derive(Debug)]
pub struct Greeting {
    shared: Arc<Shared>,
    region: String,
    telemetry: Telemetry,
    told: AtomicBool,
    /// How often credentials had been renewed when a failure to do so was last reported.
    warned: AtomicUsize,
    endpoint: OnceLock<String>,
}

impl Greeting {
    pub(crate) fn new(shared: Arc<Shared>, region: String, telemetry: Telemetry) -> Self {
        Self {
            shared,
            region,
            telemetry,
            told: AtomicBool::new(false),
            warned: AtomicUsize::new(NEVER),
            endpoint: OnceLock::new(),
        }
    }

    fn greet(&self) {
        if self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let (who, region) = (self.shared.who(), &self.region);
        let endpoint = self.endpoint.get().map_or("", String::as_str);
        self.telemetry.log.info(format_args!(
            "requests are accepted: region {region}, endpoint {endpoint}, as {who}; log router {}",
            crate::VERSION
        ));
    }

    fn warn(&self) {
        let renewed = self.shared.renewed();
        if self.warned.load(Ordering::Relaxed) < renewed {
            self.warned.store(NEVER, Ordering::Relaxed);
            self.telemetry.withdraw("credentials");
        }
        if let Some(why) = self.shared.trouble() {
            let kind = LogKey {
                what: "credentials",
                part: "",
                unit: "attempts",
            };
            self.warned.store(renewed, Ordering::Relaxed);
            self.telemetry.warn(
                kind,
                1,
                format_args!(
                    "credentials could not be renewed, those at hand are used until they end: {why}"
                ),
            );
        }
    }
}

impl Intercept for Greeting {
    fn name(&self) -> &'static str {
        "Greeting"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        self.endpoint.get_or_init(|| origin(uri).to_owned());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.warn();
        if let Some(Ok(_)) = context.output_or_error() {
            self.greet();
        }
        Ok(())
    }
}

const NEVER: usize = usize::MAX;

/// Scheme, host and port.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let end = uri[start..]
        .find(['/', '?'])
        .map_or(uri.len(), |at| start + at);
    &uri[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_told_without_its_path() {
        for (uri, expected) in [
            (
                "https://logs.eu-west-1.amazonaws.com/",
                "https://logs.eu-west-1.amazonaws.com",
            ),
            ("http://127.0.0.1:80/a/b?c", "http://127.0.0.1:80"),
            ("http://host", "http://host"),
        ] {
            assert_eq!(origin(uri), expected);
        }
    }
}
