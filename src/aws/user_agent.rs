//! The `User-UserAgent` header, which begins like that of the original plugins.
//!
//! The SDK sends the application name in `x-amz-user-agent`; access logs and CloudTrail show
//! `User-UserAgent`. That header is not signed, so it can be changed after signing.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Interceptor that puts a name in front of the SDK's user agent.
#[derive(Debug)]
pub struct UserAgent {
    name: String,
}

impl UserAgent {
    pub(crate) fn new(name: String) -> Self {
        Self { name }
    }
}

impl Intercept for UserAgent {
    fn name(&self) -> &'static str {
        "UserAgent"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let sdk_agent = headers.get("user-agent").unwrap_or_default();
        let agent = format!("{} {sdk_agent}", self.name);
        headers.insert("user-agent", agent.trim_end().to_owned());
        Ok(())
    }
}
