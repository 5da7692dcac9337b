//! Requests of the published test suite of Signature Version 4, and requests with faults.

use hyper::Request;

use super::*;

/// The published test suite of Signature Version 4: its credentials, scope and time.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TIME: &str = "20150830T123600Z";

fn head(method: &str, uri: &str, headers: &[(&str, &str)], signed: &str, signature: &str) -> Parts {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders={signed}, Signature={signature}"
    );
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("Host", "example.amazonaws.com");
    let request = request
        .header("X-Amz-Date", TIME)
        .header("Authorization", authorization);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(()).unwrap().into_parts().0
}

fn verdict(head: &Parts, body: &[u8]) -> Result<(), String> {
    let key = Key {
        secret: SECRET.to_owned(),
        token: None,
        expires_ms: None,
    };
    let found = Authorization::of(&head.headers, "service").map_err(|error| error.code)?;
    found
        .verify(head, body, &key, amz_date(TIME).unwrap())
        .map_err(|error| error.code)
}

const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

#[test]
fn the_published_vanilla_request_verifies() {
    let head = head("GET", "/", &[], "host;x-amz-date", VANILLA);
    assert_eq!(verdict(&head, b""), Ok(()));
}

#[test]
fn the_published_form_post_verifies_with_its_body() {
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    let content = [("Content-Type", "application/x-www-form-urlencoded")];
    let head = head(
        "POST",
        "/",
        &content,
        "content-type;host;x-amz-date",
        signature,
    );
    assert_eq!(verdict(&head, b"Param1=value1"), Ok(()));
    assert_eq!(
        verdict(&head, b"Param1=value2"),
        Err("InvalidSignatureException".to_owned())
    );
}

#[test]
fn the_published_query_in_another_order_verifies() {
    let signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    let head = head(
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        "host;x-amz-date",
        signature,
    );
    assert_eq!(verdict(&head, b""), Ok(()));
}

#[test]
fn an_old_date_and_a_foreign_session_token_are_refused() {
    let key = Key {
        secret: SECRET.to_owned(),
        token: Some("one".to_owned()),
        expires_ms: None,
    };
    let head = head("GET", "/", &[], "host;x-amz-date", VANILLA);
    let found = Authorization::of(&head.headers, "service").unwrap();
    let code = |now_ms| found.verify(&head, b"", &key, now_ms).unwrap_err().code;
    let signed_ms = amz_date(TIME).unwrap();
    assert_eq!(code(signed_ms), "UnrecognizedClientException");
    assert_eq!(
        code(signed_ms + LARGEST_SKEW_MS + 1),
        "InvalidSignatureException"
    );
}

#[test]
fn a_header_of_another_service_or_form_is_incomplete() {
    let whole = head("GET", "/", &[], "host;x-amz-date", VANILLA);
    let code = |head: &Parts, service| Authorization::of(&head.headers, service).unwrap_err().code;
    assert_eq!(code(&whole, "logs"), "IncompleteSignatureException");
    assert_eq!(
        code(&head("GET", "/", &[], "host", "abc"), "service"),
        "IncompleteSignatureException"
    );
    assert_eq!(
        code(&head("GET", "/", &[], "x-amz-date", VANILLA), "service"),
        "IncompleteSignatureException"
    );
}
