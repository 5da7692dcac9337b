//! One request and its answer, or the way in which the answer stays out.

use std::borrow::Cow;
use std::future::{pending, poll_fn};
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, Response};

use super::answer::{Answer, ErrorAnswer};
use super::control;
use super::open_call::OpenCall;
use super::reply::{AnswerBody, Cut, CutPoint, response};
use super::route::Route;
use super::rule::{Action, PartialFailure};
use super::service::{Service, locked};
use super::sigv4::{Authorization, unknown_key};
use super::wire::Switch;
use super::work::Work;

/// What becomes of a call.
enum Fate {
    Answer(Answer),
    Skewed(Answer, i64),
    Half(Answer),
    Reset,
    Close,
}

pub(super) async fn exchange(
    service: Arc<Service>,
    switch: Arc<Switch>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Cut> {
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let body = received(&head, body).await?;
    if let Some(asked) = head.uri.path().strip_prefix(control::PREFIX) {
        return Ok(response(
            control::answer(&service, &head, asked, &body),
            CutPoint::Never,
        ));
    }
    let route = Route::of(&head, &body);
    let call = OpenCall::begin(
        &service,
        route.operation(),
        &head,
        &body,
        (switch.connection, started),
    );
    wait(service.latency()).await;
    let fate = decided(&service, &route, &head, &body, &call).await;
    let (answer, skew, cut) = match fate {
        Fate::Answer(answer) => (answer, 0, CutPoint::Never),
        Fate::Skewed(answer, seconds) => (answer, seconds, CutPoint::Never),
        Fate::Half(answer) => (answer, 0, CutPoint::AfterFlush),
        Fate::Reset => {
            switch.reset.store(true, Ordering::Relaxed);
            return Err(Cut::Scripted);
        }
        Fate::Close => return Err(Cut::Scripted),
    };
    call.answered(&answer);
    Ok(response(service.signed_off(answer, skew), cut))
}

/// Waits, unless there is nothing to wait for: the timer's shortest wait is a whole millisecond.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

async fn received(head: &Parts, mut body: Incoming) -> Result<Vec<u8>, Cut> {
    let announced = head
        .headers
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let mut received = Vec::with_capacity(announced.unwrap_or(0).min(LARGEST_BODY));
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let data = frame
            .map_err(|_| Cut::Incomplete)?
            .into_data()
            .unwrap_or_default();
        if received.len() + data.len() > LARGEST_BODY {
            return Err(Cut::Incomplete);
        }
        received.extend_from_slice(&data);
    }
    Ok(received)
}

/// Admission, decoding and the script, in this order, as far as the call gets.
async fn decided(
    service: &Service,
    route: &Route,
    head: &Parts,
    body: &[u8],
    call: &OpenCall,
) -> Fate {
    let refused = |error: ErrorAnswer| Fate::Answer(error.answer(route.notation()));
    if let Err(error) = admitted(service, route, head, body) {
        return refused(error);
    }
    let plain = match unpacked(head, body) {
        Ok(plain) => plain,
        Err(error) => return refused(error),
    };
    match Work::of(route, head, &plain) {
        Ok(work) => played(service, route, work, call).await,
        Err(error) => refused(error),
    }
}

fn admitted(
    service: &Service,
    route: &Route,
    head: &Parts,
    body: &[u8],
) -> Result<(), ErrorAnswer> {
    let Some(signed_for) = route.signed_for() else {
        return Ok(());
    };
    signed(service, signed_for, head, body)
        .and_then(|()| service.throttled(route.operation()))
        .map_err(|error| route.worded(error))
}

fn signed(
    service: &Service,
    signed_for: &str,
    head: &Parts,
    body: &[u8],
) -> Result<(), ErrorAnswer> {
    let authorization = Authorization::of(&head.headers, signed_for)?;
    if !service.settings.verify {
        return Ok(());
    }
    let key = locked(&service.keys)
        .find(authorization.key_id)
        .ok_or_else(unknown_key)?;
    authorization.verify(head, body, &key, service.clock.now_ms())
}

/// The body without its content encoding.
fn unpacked<'a>(head: &Parts, body: &'a [u8]) -> Result<Cow<'a, [u8]>, ErrorAnswer> {
    let broken = |why: &str| ErrorAnswer::new(400, "SerializationException", why);
    match head
        .headers
        .get("content-encoding")
        .map(|value| value.as_bytes())
    {
        None | Some(b"identity") => Ok(Cow::Borrowed(body)),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let mut unpacked = MultiGzDecoder::new(body).take(LARGEST_BODY as u64);
            unpacked
                .read_to_end(&mut plain)
                .map_err(|_| broken("The body is not gzip."))?;
            Ok(Cow::Owned(plain))
        }
        Some(_) => Err(broken("The content encoding is not known.")),
    }
}

async fn played(service: &Service, route: &Route, work: Work<'_>, call: &OpenCall) -> Fate {
    let subject = work.subject();
    let action =
        locked(&service.script).action(route.operation(), &subject, |text| work.mentions(text));
    call.describe(subject);
    let run = |partial: Option<&PartialFailure>| {
        let done = work.run(service, partial).inspect(|_| call.carried_out());
        done.unwrap_or_else(|error| error.answer(route.notation()))
    };
    match action {
        None => Fate::Answer(run(None)),
        Some(Action::Error(error)) => Fate::Answer(error.answer(route.notation())),
        Some(Action::Delay(time)) => {
            wait(time).await;
            Fate::Answer(run(None))
        }
        Some(Action::Hang) => pending().await,
        Some(Action::Reset) => Fate::Reset,
        Some(Action::Close) => Fate::Close,
        Some(Action::Truncate) => {
            call.cut_short();
            Fate::Half(run(None))
        }
        Some(Action::AcceptThenReset) => {
            run(None);
            Fate::Reset
        }
        Some(Action::AcceptThenHang) => {
            run(None);
            pending().await
        }
        Some(Action::AcceptThenDelay(time)) => {
            let answer = run(None);
            wait(time).await;
            Fate::Answer(answer)
        }
        Some(Action::Empty) => Fate::Answer(Answer::of("application/x-amz-json-1.1", Vec::new())),
        Some(Action::Garbage) => Fate::Answer(Answer::of("text/html", GARBAGE.to_vec())),
        Some(Action::PartialFailure(failure)) => Fate::Answer(run(Some(&failure))),
        Some(Action::Skew(seconds)) => Fate::Skewed(run(None), seconds),
    }
}

/// Far above what any accepted call can need: 4 MiB of records in base64, or 1 MiB of text fully escaped.
const LARGEST_BODY: usize = 32 << 20;
const GARBAGE: &[u8] = b"<html>no JSON here</html>";
