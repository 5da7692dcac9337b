//! A size limit on response bodies.
//!
//! A larger body does not come from an AWS service, and would take several times its size in memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::{Error, SdkBody};
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::delivery::error::Chain;

/// A connector that limits the size of response bodies.
#[derive(Debug)]
pub(crate) struct BoundedConnector(pub(crate) SharedHttpConnector);

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { Ok(answer.await?.map(bounded)) })
    }
}

/// Reads the response body of a metadata or credentials endpoint.
///
/// # Errors
///
/// When reading fails, or the body is larger than 1 MiB.
pub async fn body(body: SdkBody) -> Result<Vec<u8>, String> {
    let read = ByteStream::new(bounded(body)).collect().await;
    let read = read.map_err(|error| Chain(&error).to_string())?;
    Ok(read.into_bytes().to_vec())
}

/// The same body; reading more than [`MAX_BYTES`] of it is an error.
pub(crate) fn bounded(body: SdkBody) -> SdkBody {
    // A body that is in memory already needs no limit.
    if body.bytes().is_some() {
        return body;
    }
    SdkBody::from_body_1_x(BoundedBody {
        body,
        left: MAX_BYTES,
    })
}

#[derive(Debug)]
struct BoundedBody {
    body: SdkBody,
    left: u64,
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if Body::size_hint(&self.body).lower() > self.left {
            return Poll::Ready(Some(Err(TOO_LARGE.into())));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref())
        {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(TOO_LARGE.into()))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}

/// Ten times the largest expected response, that to PutRecordBatch with 500 records.
const MAX_BYTES: u64 = 1024 * 1024;
const TOO_LARGE: &str = "the answer is larger than 1 MiB";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use aws_smithy_types::byte_stream::ByteStream;

    use super::*;

    /// A body of `left` bytes in frames, with or without an announced length.
    struct Frames {
        left: u64,
        announced: bool,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let size = self.left.min(60_000);
            self.left -= size;
            let frame = Bytes::from(vec![b'x'; usize::try_from(size).unwrap()]);
            Poll::Ready((size > 0).then(|| Ok(Frame::data(frame))))
        }

        fn size_hint(&self) -> SizeHint {
            match self.announced {
                true => SizeHint::with_exact(self.left),
                false => SizeHint::default(),
            }
        }
    }

    #[tokio::test]
    async fn bodies_up_to_1_mib_are_read_and_larger_ones_fail() {
        for announced in [true, false] {
            for (left, is_read) in [(0, true), (MAX_BYTES, true), (MAX_BYTES + 1, false)] {
                let body = bounded(SdkBody::from_body_1_x(Frames { left, announced }));
                match ByteStream::new(body).collect().await {
                    Ok(read) => assert!(is_read && read.into_bytes().len() as u64 == left),
                    Err(error) => {
                        let error = crate::delivery::error::Chain(&error).to_string();
                        assert!(!is_read && error.contains(TOO_LARGE), "{error}");
                    }
                }
            }
        }
    }
}
