//! What goes back to a client: an answer, or an error in the notation of the protocol that was spoken.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// An AWS error: HTTP status, code, message, extra headers, and where the code is written.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorAnswer {
    /// HTTP status.
    #[serde(default = "bad_request")]
    pub status: u16,
    /// Error code, such as `ThrottlingException`.
    pub code: String,
    /// Message of the body; may be empty.
    #[serde(default)]
    pub message: String,
    /// Extra headers, such as `Retry-After` or `x-amz-retry-after`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where and how the code is written.
    #[serde(default)]
    pub shape: CodeShape,
}

/// The three ways AWS services write an error code.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CodeShape {
    /// `"__type": "Code"` in the body.
    #[default]
    Plain,
    /// `"__type": "com.amazonaws.logs#Code"` in the body.
    Namespaced,
    /// Header `x-amzn-ErrorType: Code:http://…`; the body holds the message alone.
    Header,
}

/// How errors of one API are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// AWS JSON, with the namespace of a namespaced code.
    Json(&'static str),
    /// The query protocol's XML.
    Xml,
}

/// One HTTP answer, before it is put on the wire.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) code: Option<String>,
}

impl ErrorAnswer {
    /// An error with a status, a code and a message; the code is written plainly into the body.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: BTreeMap::new(),
            shape: CodeShape::Plain,
        }
    }

    /// The same error with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same error with its code written another way.
    #[must_use]
    pub fn shape(mut self, shape: CodeShape) -> Self {
        self.shape = shape;
        self
    }

    pub(super) fn answer(self, notation: Notation) -> Answer {
        let mut answer = match notation {
            Notation::Json(namespace) => self.json(namespace),
            Notation::Xml => self.xml(),
        };
        answer.headers.extend(self.headers);
        answer.code = Some(self.code);
        answer
    }

    fn json(&self, namespace: &str) -> Answer {
        let (code, message) = (&self.code, &self.message);
        let mut answer = match self.shape {
            CodeShape::Plain => Answer::json(&json!({"__type": code, "message": message})),
            CodeShape::Namespaced => {
                Answer::json(&json!({"__type": format!("{namespace}#{code}"), "message": message}))
            }
            CodeShape::Header => Answer::json(&json!({"message": message})),
        };
        if self.shape == CodeShape::Header {
            let value = format!("{code}:http://internal.amazon.com/coral/{namespace}/");
            answer.headers.push(("x-amzn-ErrorType".to_owned(), value));
        }
        answer.status = self.status;
        answer
    }

    fn xml(&self) -> Answer {
        let (code, message) = (escaped(&self.code), escaped(&self.message));
        let mut answer = Answer::xml(format!(
            "<ErrorResponse xmlns=\"{STS_XMLNS}\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>{ZERO_ID}</RequestId></ErrorResponse>"
        ));
        answer.status = self.status;
        answer
    }
}

impl Answer {
    pub(super) fn json(body: &Value) -> Self {
        Self::of("application/x-amz-json-1.1", body.to_string().into_bytes())
    }

    pub(super) fn xml(body: String) -> Self {
        Self::of("text/xml", body.into_bytes())
    }

    pub(super) fn text(body: impl Into<String>) -> Self {
        Self::of("text/plain", body.into().into_bytes())
    }

    pub(super) fn refused(status: u16) -> Self {
        Self {
            status,
            ..Self::text("")
        }
    }

    pub(super) fn of(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type,
            headers: Vec::new(),
            body,
            code: None,
        }
    }
}

/// Text made safe inside an XML element.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn bad_request() -> u16 {
    400
}

pub(super) const STS_XMLNS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
pub(super) const ZERO_ID: &str = "00000000-0000-0000-0000-000000000000";

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled(shape: CodeShape) -> Answer {
        let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded").shape(shape);
        error
            .header("Retry-After", "1")
            .answer(Notation::Json("com.amazonaws.logs"))
    }

    #[test]
    fn a_namespaced_code_carries_the_namespace_of_the_api() {
        let body: Value = serde_json::from_slice(&throttled(CodeShape::Namespaced).body).unwrap();
        assert_eq!(body["__type"], "com.amazonaws.logs#ThrottlingException");
    }

    #[test]
    fn a_code_in_the_header_leaves_the_body_without_one() {
        let answer = throttled(CodeShape::Header);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, json!({"message": "Rate exceeded"}));
        assert!(answer.headers.iter().any(|(name, value)| {
            name == "x-amzn-ErrorType" && value.starts_with("ThrottlingException:")
        }));
    }
}
