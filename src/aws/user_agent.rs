//! The `User-Agent` header, beginning as the peers' does.
//!
//! The SDK names the application in a header of its own; what access logs and CloudTrail show is this
//! one. It is not signed, so it can be set last.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Puts a name in front of the SDK's own.
#[derive(Debug)]
pub struct Agent {
    name: String,
}

impl Agent {
    pub(crate) fn new(name: String) -> Self {
        Self { name }
    }
}

impl Intercept for Agent {
    fn name(&self) -> &'static str {
        "Agent"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let sdk = headers.get("user-agent").unwrap_or_default();
        let agent = format!("{} {sdk}", self.name);
        headers.insert("user-agent", agent.trim_end().to_owned());
        Ok(())
    }
}
