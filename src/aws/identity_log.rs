//! Logs the identity, region and endpoint of an instance after its first successful request.
//!
//! The line is written by a client interceptor on the first response. Only then the provider and the
//! resolved endpoint are known and confirmed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::aws::credentials::registry::SharedIdentity;
use crate::telemetry::Telemetry;
use crate::telemetry::log_limiter::LogKey;

/// Interceptor of one client.
#[derive(Debug)]
pub struct IdentityLog {
    shared: Arc<SharedIdentity>,
    region: String,
    telemetry: Telemetry,
    is_logged: AtomicBool,
    /// The number of renewals when a failed renewal was last logged; [`NEVER`] when none is unresolved.
    warned_at: AtomicUsize,
    endpoint: OnceLock<String>,
}

impl IdentityLog {
    pub(crate) fn new(shared: Arc<SharedIdentity>, region: String, telemetry: Telemetry) -> Self {
        Self {
            shared,
            region,
            telemetry,
            is_logged: AtomicBool::new(false),
            warned_at: AtomicUsize::new(NEVER),
            endpoint: OnceLock::new(),
        }
    }

    fn log_identity(&self) {
        if self.is_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let (who, region) = (self.shared.description(), &self.region);
        let endpoint = self.endpoint.get().map_or("", String::as_str);
        self.telemetry.log.info(format_args!(
            "requests are accepted: region {region}, endpoint {endpoint}, as {who}; log router {}",
            crate::VERSION
        ));
    }

    fn log_failed_renewal(&self) {
        let renewals = self.shared.renewals();
        if self.warned_at.load(Ordering::Relaxed) < renewals {
            self.warned_at.store(NEVER, Ordering::Relaxed);
            self.telemetry.withdraw("credentials");
        }
        if let Some(why) = self.shared.take_renewal_error() {
            let key = LogKey {
                what: "credentials",
                part: "",
                unit: "attempts",
            };
            self.warned_at.store(renewals, Ordering::Relaxed);
            self.telemetry.warn(
                key,
                1,
                format_args!(
                    "credentials could not be renewed, those at hand are used until they end: {why}"
                ),
            );
        }
    }
}

impl Intercept for IdentityLog {
    fn name(&self) -> &'static str {
        "IdentityLog"
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
        self.log_failed_renewal();
        if let Some(Ok(_)) = context.output_or_error() {
            self.log_identity();
        }
        Ok(())
    }
}

/// No failed renewal has been logged since the last renewal.
const NEVER: usize = usize::MAX;

/// The scheme, host and port of a URI.
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
    fn origin_has_no_path() {
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
