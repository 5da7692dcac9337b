//! Answers are read up to a size: what is larger is none of a service's, and would take its size in
//! memory several times.

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

/// Passes requests on, and bounds their answers.
#[derive(Debug)]
pub(crate) struct Bounded(pub(crate) SharedHttpConnector);

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { Ok(answer.await?.map(bounded)) })
    }
}

/// Reads a document of a metadata or credentials endpoint.
///
/// # Errors
///
/// Why it cannot be read; also when it is larger than any such document.
pub async fn body(body: SdkBody) -> Result<Vec<u8>, String> {
    let read = ByteStream::new(bounded(body)).collect().await;
    let read = read.map_err(|error| Chain(&error).to_string())?;
    Ok(read.into_bytes().to_vec())
}

/// The same body; reading more of it than [`MOST_BYTES`] is an error.
pub(crate) fn bounded(body: SdkBody) -> SdkBody {
    // What is in memory already needs no bound.
    if body.bytes().is_some() {
        return body;
    }
    SdkBody::from_body_1_x(Bound {
        body,
        left: MOST_BYTES,
    })
}

#[derive(Debug)]
struct Bound {
    body: SdkBody,
    left: u64,
}

impl Body for Bound {
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

/// The largest answer that a service has reason to give, to PutRecordBatch with 500 records, takes a
/// tenth of this.
const MOST_BYTES: u64 = 1024 * 1024;
const TOO_LARGE: &str = "the answer is larger than 1 MiB";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use aws_smithy_types::byte_stream::ByteStream;

    use super::*;

    /// So many bytes in pieces, their number announced or not.
    struct Pieces {
        left: u64,
        announced: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let size = self.left.min(60_000);
            self.left -= size;
            let piece = Bytes::from(vec![b'x'; usize::try_from(size).unwrap()]);
            Poll::Ready((size > 0).then(|| Ok(Frame::data(piece))))
        }

        fn size_hint(&self) -> SizeHint {
            match self.announced {
                true => SizeHint::with_exact(self.left),
                false => SizeHint::default(),
            }
        }
    }

    #[tokio::test]
    async fn a_mebibyte_is_read_and_more_is_an_error() {
        for announced in [true, false] {
            for (left, is_read) in [(0, true), (MOST_BYTES, true), (MOST_BYTES + 1, false)] {
                let body = bounded(SdkBody::from_body_1_x(Pieces { left, announced }));
                match ByteStream::new(body).collect().await {
                    Ok(read) => assert!(is_read && read.into_bytes().len() as u64 == left),
                    Err(error) => {
                        let said = crate::delivery::error::Chain(&error).to_string();
                        assert!(!is_read && said.contains(TOO_LARGE), "{said}");
                    }
                }
            }
        }
    }
}
