//! Which API a request is for.

use hyper::http::request::Parts;

use super::answer::{ErrorAnswer, Notation};
use super::metadata::Document;
use super::sts::Query;

/// An API with what it needs to find its operation.
pub(super) enum Route {
    Json(Api, String),
    Sts(Query),
    Metadata(Document),
    Unknown,
}

/// The JSON APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Logs,
    Firehose,
    Kinesis,
}

impl Route {
    pub(super) fn of(head: &Parts, body: &[u8]) -> Self {
        let header = |name| {
            head.headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        if let Some(document) = Document::at(&head.method, head.uri.path()) {
            return Self::Metadata(document);
        }
        let content = header("content-type");
        match header("x-amz-target").split_once('.') {
            Some((LOGS_TARGET, name)) if is_json(content) => Self::Json(Api::Logs, name.to_owned()),
            Some((FIREHOSE_TARGET, name)) if is_json(content) => {
                Self::Json(Api::Firehose, name.to_owned())
            }
            Some((KINESIS_TARGET, name)) if is_json(content) => {
                Self::Json(Api::Kinesis, name.to_owned())
            }
            None if content.starts_with("application/x-www-form-urlencoded") => {
                Self::Sts(Query::of(body))
            }
            _ => Self::Unknown,
        }
    }

    /// Name under which the call is counted.
    pub(super) fn operation(&self) -> &str {
        match self {
            Self::Json(_, name) => name,
            Self::Sts(query) => query.operation(),
            Self::Metadata(document) => document.operation(),
            Self::Unknown => "Unknown",
        }
    }

    pub(super) fn notation(&self) -> Notation {
        match self {
            Self::Json(Api::Firehose, _) => Notation::Json("com.amazonaws.firehose.v20150804"),
            Self::Json(Api::Kinesis, _) => Notation::Json("com.amazonaws.kinesis.v20131202"),
            Self::Sts(_) => Notation::Xml,
            _ => Notation::Json("com.amazonaws.logs.v20140328"),
        }
    }

    /// An error of admission with the code that this API has for it.
    pub(super) fn worded(&self, mut error: ErrorAnswer) -> ErrorAnswer {
        if matches!(self, Self::Sts(_)) {
            let known = QUERY_CODES.iter().find(|(json, _)| *json == error.code);
            error.code = known.map_or(error.code, |(_, query)| (*query).to_owned());
        }
        error
    }

    /// The service for which the request must be signed, if it must be.
    pub(super) fn signed_for(&self) -> Option<&'static str> {
        match self {
            Self::Json(Api::Logs, _) => Some("logs"),
            Self::Json(Api::Firehose, _) => Some("firehose"),
            Self::Json(Api::Kinesis, _) => Some("kinesis"),
            Self::Sts(query) if query.is_signed() => Some("sts"),
            _ => None,
        }
    }
}

fn is_json(content: &str) -> bool {
    let kind = content.split(';').next().unwrap_or_default().trim();
    ["application/x-amz-json-1.1", "application/x-amz-json-1.0"].contains(&kind)
}

const LOGS_TARGET: &str = "Logs_20140328";
const FIREHOSE_TARGET: &str = "Firehose_20150804";
const KINESIS_TARGET: &str = "Kinesis_20131202";

/// The codes of the JSON protocol's common errors and what the query protocol calls them.
const QUERY_CODES: [(&str, &str); 6] = [
    ("ExpiredTokenException", "ExpiredToken"),
    ("IncompleteSignatureException", "IncompleteSignature"),
    ("InvalidSignatureException", "SignatureDoesNotMatch"),
    (
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
    ),
    ("ThrottlingException", "Throttling"),
    ("UnrecognizedClientException", "InvalidClientTokenId"),
];
