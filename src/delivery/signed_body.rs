//! Replaces the body of an SDK request before it is signed.
//!
//! A batch is encoded once, as the bytes of the request body. The SDK builds the request from an empty
//! input, resolves the endpoint, signs and sends. Before it signs, this interceptor replaces the body
//! and sets its SHA-256 hash. The hash uses the processor's SHA instructions; the SDK's portable
//! implementation took nearly half of the processor time.

use std::convert::Infallible;
use std::io::Write;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

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
use http_body::{Body, Frame, SizeHint};
use ring::digest::{SHA256, digest};

/// Interceptor that replaces the body of one request.
#[derive(Debug)]
pub struct SignedBody {
    body: Bytes,
    encoding: Option<&'static str>,
    sent: Arc<AtomicBool>,
}

tokio::task_local! {
    static SENT: Arc<AtomicBool>;
}

/// Runs a request; returns its output, and whether the HTTP client began to send its body. A request
/// whose body was not sent cannot have been accepted: it waited for credentials or a connection.
pub async fn traced<T>(request: impl Future<Output = T>) -> (T, bool) {
    let sent = Arc::<AtomicBool>::default();
    let answer = SENT.scope(sent.clone(), request).await;
    (answer, sent.load(Relaxed))
}

/// Whether the HTTP client began to send the body of the current request; `None` outside of
/// [`traced`].
#[must_use]
pub fn sent() -> Option<bool> {
    SENT.try_with(|sent| sent.load(Relaxed)).ok()
}

/// A body that records when the HTTP client reads it.
#[derive(Debug)]
struct TrackedBody {
    body: Bytes,
    sent: Arc<AtomicBool>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Relaxed);
        let body = mem::take(&mut self.body);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.len() as u64)
    }
}

impl SignedBody {
    /// Replaces the body of a request with `body`.
    #[must_use]
    pub fn new(body: Bytes) -> Self {
        Self {
            body,
            encoding: None,
            sent: SENT.try_with(Arc::clone).unwrap_or_default(),
        }
    }

    /// Replaces the body of a request with `body`, gzip-compressed.
    #[must_use]
    pub fn gzip(body: &Bytes) -> Self {
        Self {
            encoding: Some("gzip"),
            ..Self::new(compressed(body).into())
        }
    }
}

impl Intercept for SignedBody {
    fn name(&self) -> &'static str {
        "SignedBody"
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
        let (body, sent) = (self.body.clone(), self.sent.clone());
        let traced = move |_| {
            let (body, sent) = (body.clone(), sent.clone());
            SdkBody::from_body_1_x(TrackedBody { body, sent })
        };
        *request.body_mut() = SdkBody::from(self.body.clone()).map_preserve_contents(traced);
        let hash = digest(&SHA256, &self.body);
        config
            .interceptor_state()
            .store_put(PayloadSigningOverride::Precomputed(hex(hash.as_ref())));
        Ok(())
    }

    /// Rejects an empty response body. The SDK would parse it as a response without fields. The services
    /// respond with JSON, so an empty response comes from a proxy or a load balancer.
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
    // Log text compresses to about a tenth of its size.
    let buffer = Vec::with_capacity(body.len() / 8);
    let mut encoder = GzEncoder::new(buffer, Compression::fast());
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
    fn a_compressed_body_decompresses_to_the_original() {
        let body = Bytes::from("{\"message\":\"a line\"}".repeat(1000));
        let prepared = SignedBody::gzip(&body);
        assert!(prepared.body.len() * 8 < body.len());
        let mut read = Vec::new();
        GzDecoder::new(&prepared.body[..])
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, body);
    }

    #[test]
    fn hex_uses_lower_case_digits() {
        assert_eq!(hex(&[0x00, 0xaf, 0x10]), "00af10");
    }
}
