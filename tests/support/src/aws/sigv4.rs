//! Signature Version 4: the form of the Authorization header, and on wish the signature itself.
//!
//! The payload hash is always taken over the bytes that arrived, so a hash that the client computed beforehand
//! and signed must be the right one.

use hyper::HeaderMap;
use hyper::http::request::Parts;
use ring::{digest, hmac};

use super::answer::ErrorAnswer;
use super::clock::amz_date;
use super::form;
use super::keys::Key;

/// The parts of an Authorization header.
#[derive(Debug, PartialEq)]
pub(super) struct Authorization<'a> {
    pub(super) key_id: &'a str,
    scope: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads the header and checks its form and that it is meant for this service.
    pub(super) fn of(headers: &'a HeaderMap, service: &str) -> Result<Self, ErrorAnswer> {
        let value = text(headers, "authorization");
        let value = value.ok_or_else(|| {
            refused(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        })?;
        let incomplete = |why: &str| refused("IncompleteSignatureException", why);
        let found = Self::read(value)
            .ok_or_else(|| incomplete("Authorization header is not well-formed."))?;
        if text(headers, "x-amz-date").and_then(amz_date).is_none() {
            return Err(incomplete(
                "Authorization header requires existence of a valid 'X-Amz-Date' header.",
            ));
        }
        if !found.signed_headers.split(';').any(|name| name == "host") {
            return Err(incomplete(
                "'Host' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        if found.service != service {
            return Err(incomplete(&format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        Ok(found)
    }

    fn read(value: &'a str) -> Option<Self> {
        let fields = value.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let field = |name: &str| {
            let mut parts = fields.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let (key_id, scope) = field("Credential")?.split_once('/')?;
        let [day, region, service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let (signed_headers, signature) = (field("SignedHeaders")?, field("Signature")?);
        let is_hex =
            signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        let complete = is_hex && ![key_id, day, region, service, signed_headers].contains(&"");
        complete.then_some(Self {
            key_id,
            scope,
            day,
            region,
            service,
            signed_headers,
            signature,
        })
    }

    /// Checks the signature, the session token and the times.
    pub(super) fn verify(
        &self,
        head: &Parts,
        body: &[u8],
        key: &Key,
        now_ms: i64,
    ) -> Result<(), ErrorAnswer> {
        let date = text(&head.headers, "x-amz-date").unwrap_or_default();
        let age = now_ms - amz_date(date).unwrap_or_default();
        if age.abs() > LARGEST_SKEW_MS || !date.starts_with(self.day) {
            return Err(refused(
                "InvalidSignatureException",
                format!("Signature expired: {date} is off by {age} ms"),
            ));
        }
        if key.token.as_deref() != text(&head.headers, "x-amz-security-token") {
            return Err(unknown_key());
        }
        if key.expires_ms.is_some_and(|expiry| expiry <= now_ms) {
            let message = "The security token included in the request is expired";
            return Err(refused("ExpiredTokenException", message));
        }
        if self.expected(head, body, date, &key.secret) != self.signature {
            return Err(refused("InvalidSignatureException", MISMATCH));
        }
        Ok(())
    }

    fn expected(&self, head: &Parts, body: &[u8], date: &str, secret: &str) -> String {
        let request = self.canonical_request(head, body);
        let scope = self.scope;
        let to_sign = format!(
            "{ALGORITHM}\n{date}\n{scope}\n{}",
            sha256(request.as_bytes())
        );
        let start = format!("AWS4{secret}").into_bytes();
        let steps = [
            self.day,
            self.region,
            self.service,
            "aws4_request",
            &to_sign,
        ];
        hex(&steps.iter().fold(start, |key, step| keyed(&key, step)))
    }

    fn canonical_request(&self, head: &Parts, body: &[u8]) -> String {
        let path: Vec<_> = head.uri.path().split('/').map(form::encoded).collect();
        let query = form::canonical(head.uri.query().unwrap_or_default());
        let headers: String = self
            .signed_headers
            .split(';')
            .map(|name| canonical_header(&head.headers, name))
            .collect();
        let (path, signed, hash) = (path.join("/"), self.signed_headers, sha256(body));
        format!(
            "{}\n{path}\n{query}\n{headers}\n{signed}\n{hash}",
            head.method
        )
    }
}

/// The error for a key id that nobody issued, or a key used with the wrong session token.
pub(super) fn unknown_key() -> ErrorAnswer {
    refused(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

fn canonical_header(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .split_ascii_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    format!("{name}:{}\n", values.join(","))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn refused(code: &str, message: impl Into<String>) -> ErrorAnswer {
    ErrorAnswer::new(403, code, message)
}

fn keyed(key: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

fn sha256(data: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, data).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const LARGEST_SKEW_MS: i64 = 5 * 60 * 1000;
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
    Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

#[cfg(test)]
mod tests;
