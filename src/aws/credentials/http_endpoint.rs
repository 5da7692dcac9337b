//! `credentials_endpoint`: credentials from a JSON document at any URL.
//!
//! The document is `{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}`, as for the Go plugin
//! and in ECS. `credential_process` documents name the token `SessionToken`.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use cbindings::line::without_secrets;
use serde::Deserialize;
use tokio::time::timeout;

use crate::aws::http::Network;

/// Fetches credentials from one URL.
#[derive(Debug)]
pub(crate) struct HttpEndpoint {
    url: String,
    network: Network,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<String>,
}

impl HttpEndpoint {
    pub(crate) fn new(url: String, network: Network) -> Self {
        Self { url, network }
    }

    async fn fetch(&self) -> provider::Result {
        let document = timeout(LIMIT, self.network.fetch(&self.url)).await;
        document
            .unwrap_or_else(|_| Err(format!("no answer in {LIMIT:?}")))
            .and_then(|document| read(&document))
            .map_err(|why| {
                CredentialsError::provider_error(format!("{}: {why}", without_secrets(&self.url)))
            })
    }
}

impl ProvideCredentials for HttpEndpoint {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// Parses the document. Error messages do not quote secrets.
pub(crate) fn read(document: &[u8]) -> Result<Credentials, String> {
    let answer: Answer = serde_json::from_slice(document)
        .map_err(|error| format!("an answer without credentials{}", missing_field(&error)))?;
    let expiry = answer.expiration.map(|text| {
        let time = DateTime::from_str(&text, Format::DateTimeWithOffset);
        time.ok()
            .and_then(|time| time.try_into().ok())
            .ok_or_else(|| format!("an expiration that is no time: {text}"))
    });
    Ok(Credentials::new(
        answer.access_key_id,
        answer.secret_access_key,
        answer.token.filter(|token| !token.is_empty()),
        expiry.transpose()?,
        "credentials_endpoint",
    ))
}

/// The name of a missing field. Other parser errors may quote the document and are left out.
fn missing_field(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let missing = text.starts_with("missing field").then_some(text);
    missing.map(|text| format!(": {text}")).unwrap_or_default()
}

/// Timeout of one fetch.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_document_of_the_go_plugin_is_read() {
        let credentials = read(
            br#"{"AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T","Expiration":"2030-01-02T03:04:05Z","RoleArn":"x"}"#,
        )
        .unwrap();
        assert_eq!(
            (credentials.access_key_id(), credentials.session_token()),
            ("AK", Some("T"))
        );
        let expiry = credentials
            .expiry()
            .unwrap()
            .duration_since(UNIX_EPOCH)
            .unwrap();
        assert_eq!(expiry.as_secs(), 1_893_553_445);
    }

    #[test]
    fn token_and_expiration_are_optional() {
        let credentials = read(br#"{"AccessKeyId":"AK","SecretAccessKey":"SK"}"#).unwrap();
        assert_eq!(
            (credentials.session_token(), credentials.expiry()),
            (None, None)
        );
    }

    #[test]
    fn errors_name_the_missing_field_and_quote_no_secret() {
        let error = read(br#"{"AccessKeyId":"AK","Token":"secret"}"#).unwrap_err();
        assert!(
            error.contains("SecretAccessKey") && !error.contains("secret\""),
            "{error}"
        );
        assert_eq!(
            read(br#""secret""#).unwrap_err(),
            "an answer without credentials"
        );
        let text = br#"{"AccessKeyId":"AK","SecretAccessKey":"SK","Expiration":"soon"}"#;
        assert_eq!(
            read(text).unwrap_err(),
            "an expiration that is no time: soon"
        );
    }
}
