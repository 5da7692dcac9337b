//! Requests that did not get as far as an answer.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;

use super::chain::chain;
use super::{Chain, SendError, UNANSWERED};
use crate::delivery::signed_body;

/// The request did not get as far as an answer.
pub(super) fn undelivered(error: &(dyn Error + 'static)) -> SendError {
    let credentials = chain(error).any(|cause| cause.is::<CredentialsError>());
    if credentials {
        // The provider may be back in a moment: one that is not there fails fast anyway.
        let text = format_args!("no credentials: {}", Chain(error));
        return SendError::unsent("Credentials", text);
    }
    let never_left = signed_body::sent() == Some(false);
    if never_left || chain(error).any(is_about_connecting) {
        return SendError::unsent("Connection", Chain(error));
    }
    SendError::new(UNANSWERED, "Connection", Chain(error))
}

/// Without a connection the service has seen nothing. The HTTP client says so in words only.
fn is_about_connecting(cause: &(dyn Error + 'static)) -> bool {
    let refused = cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    let text = cause.to_string();
    refused
        || text.contains("(Connect)")
        || text.contains("HTTP connect")
        || text.contains("dns error")
}
