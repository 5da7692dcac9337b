//! Our body in the SDK's request.
//!
//! A batch is encoded once, as the bytes that travel. The SDK still makes the request, resolves the
//! endpoint, signs and sends; before it signs, this puts our body into the place of the one it
//! serialized from an empty input, with a hash made by a SHA-256 that uses the processor's own
//! instructions where the SDK's portable one took nearly half of all time.

use std::io::Write;

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
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest::{SHA256, digest};

/// Puts a finished body into one request.
#[derive(Debug)]
pub struct Prepared {
    body: Bytes,
    encoding: Option<&'static str>,
}

impl Prepared {
    /// Prepares a request to carry this body.
    #[must_use]
    pub fn new(body: Bytes) -> Self {
        Self {
            body,
            encoding: None,
        }
    }

    /// Prepares a request to carry this body compressed.
    #[must_use]
    pub fn gzip(body: &Bytes) -> Self {
        Self {
            body: compressed(body).into(),
            encoding: Some("gzip"),
        }
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
        if let Some(encoding) = self.encoding {
            request.headers_mut().insert("content-encoding", encoding);
        }
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

fn compressed(body: &[u8]) -> Vec<u8> {
    // Log text shrinks to about a tenth; the bytes need no more room than that as a rule.
    let room = Vec::with_capacity(body.len() / 8);
    let mut encoder = GzEncoder::new(room, Compression::fast());
    let written = encoder.write_all(body);
    written
        .and_then(|()| encoder.finish())
        .unwrap_or_else(|_| unreachable!("memory takes every byte"))
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_compressed_body_is_the_same_body() {
        let body = Bytes::from("{\"message\":\"a line\"}".repeat(1000));
        let prepared = Prepared::gzip(&body);
        assert!(prepared.body.len() * 8 < body.len());
        let mut read = Vec::new();
        GzDecoder::new(&prepared.body[..])
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, body);
    }

    #[test]
    fn a_hash_is_written_in_lower_case_digits() {
        assert_eq!(hex(&[0x00, 0xaf, 0x10]), "00af10");
    }
}
