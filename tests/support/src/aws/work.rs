//! One decoded request of any API, ready to be looked at by the script and to be carried out.

use hyper::http::request::Parts;

use super::answer::{Answer, ErrorAnswer};
use super::metadata::Document;
use super::operation::{Operation, Subject};
use super::route::{Api, Route};
use super::rule::PartialFailure;
use super::service::Service;
use super::sts::Query;
use super::{firehose, kinesis, logs};

pub(super) enum Work<'a> {
    Json(Box<dyn Operation + 'a>),
    Sts(&'a Query),
    Metadata(&'a Document, &'a Parts),
}

impl<'a> Work<'a> {
    pub(super) fn of(
        route: &'a Route,
        head: &'a Parts,
        body: &'a [u8],
    ) -> Result<Self, ErrorAnswer> {
        Ok(match route {
            Route::Json(Api::Logs, name) => Self::Json(logs::decoded(name, body)?),
            Route::Json(Api::Firehose, name) => Self::Json(firehose::decoded(name, body)?),
            Route::Json(Api::Kinesis, name) => Self::Json(kinesis::decoded(name, body)?),
            Route::Sts(query) => Self::Sts(query),
            Route::Metadata(document) => Self::Metadata(document, head),
            Route::Unknown => return Err(ErrorAnswer::new(404, "UnknownOperationException", "")),
        })
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Json(operation) => operation.subject(),
            _ => Subject::default(),
        }
    }

    pub(super) fn mentions(&self, text: &str) -> bool {
        match self {
            Self::Json(operation) => operation.mentions(text),
            _ => false,
        }
    }

    pub(super) fn run(
        self,
        service: &Service,
        partial: Option<&PartialFailure>,
    ) -> Result<Answer, ErrorAnswer> {
        match self {
            Self::Json(operation) => operation
                .run(service, partial)
                .map(|body| Answer::json(&body)),
            Self::Sts(query) => query.run(service),
            Self::Metadata(document, head) => Ok(document.answer(service, head)),
        }
    }
}
