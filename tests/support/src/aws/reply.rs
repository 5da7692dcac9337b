//! How an answer goes out: whole, in half, or not at all.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::answer::Answer;

/// Why the connection ends instead of carrying an answer; hyper drops it at once.
#[derive(Debug)]
pub(super) enum Cut {
    /// The script wants it so.
    Scripted,
    /// The request did not arrive whole.
    Incomplete,
}

/// An answer's body, of which a truncated one sends half.
pub(super) struct AnswerBody {
    rest: Option<Bytes>,
    declared: u64,
    cut: CutPoint,
}

/// A truncated body waits once, so that its half is flushed, and breaks off after that.
pub(super) enum CutPoint {
    Never,
    AfterFlush,
    Now,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(data) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.cut {
            CutPoint::Never => Poll::Ready(None),
            CutPoint::AfterFlush => {
                self.cut = CutPoint::Now;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            CutPoint::Now => Poll::Ready(Some(Err(Cut::Scripted))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.declared)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scripted => "cut by the script",
            Self::Incomplete => "the request did not arrive whole",
        })
    }
}

impl std::error::Error for Cut {}

/// Puts an answer on the wire, whole or in half.
pub(super) fn response(answer: Answer, cut: CutPoint) -> Response<AnswerBody> {
    let half = answer.body.len() / 2;
    let declared = answer.body.len() as u64;
    let whole = Bytes::from(answer.body);
    let sent = if matches!(cut, CutPoint::Never) {
        whole
    } else {
        whole.slice(..half)
    };
    let body = AnswerBody {
        rest: Some(sent),
        declared,
        cut,
    };
    let response = Response::builder()
        .status(answer.status)
        .header("Content-Type", answer.content_type);
    let headers = answer.headers.into_iter();
    let response = headers
        .fold(response, |response, (name, value)| {
            response.header(name, value)
        })
        .body(body);
    response.unwrap_or_else(|problem| unwritable(&problem.to_string()))
}

/// The answer in place of one whose scripted status or headers HTTP does not allow.
fn unwritable(problem: &str) -> Response<AnswerBody> {
    let text = Bytes::from(format!("the stand-in cannot write this answer: {problem}"));
    let declared = text.len() as u64;
    let mut response = Response::new(AnswerBody {
        rest: Some(text),
        declared,
        cut: CutPoint::Never,
    });
    *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
