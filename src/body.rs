//! Our body in the SDK's request.
//!
//! A batch is encoded once, as the bytes that travel. The SDK still makes the request, resolves the
//! endpoint, signs and sends; before it signs, this puts our body into the place of the one it
//! serialized from an empty input, with a hash made by a SHA-256 that uses the processor's own
//! instructions where the SDK's portable one took nearly half of all time.

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use ring::digest::{SHA256, digest};

/// Puts a finished body into one request.
#[derive(Debug)]
pub struct Prepared {
    body: Bytes,
}

impl Prepared {
    /// Prepares a request to carry this body.
    #[must_use]
    pub fn new(body: Bytes) -> Self {
        Self { body }
    }
}

impl Intercept for Prepared {
    fn name(&self) -> &'static str {
        "Prepared"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request
            .headers_mut()
            .insert("content-length", self.body.len().to_string());
        *request.body_mut() = SdkBody::from(self.body.clone());
        let hash = digest(&SHA256, &self.body);
        config
            .interceptor_state()
            .store_put(PayloadSigningOverride::Precomputed(hex(hash.as_ref())));
        Ok(())
    }

    /// The SDK takes an empty body for an answer of which nothing is set; the services, which answer
    /// JSON, have then said nothing, whatever proxy or load balancer did.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success() && response.body().bytes() == Some(b"") {
            return Err("the answer is empty".into());
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|&byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 0x0f)],
            ]
        })
        .map(char::from)
        .collect()
}
