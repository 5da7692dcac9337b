//! Web identity (IAM roles for service accounts), with support for `sts_endpoint`.
//!
//! The SDK's own provider has no setting for the endpoint of STS. The token file is read for each
//! fetch, as it is replaced while the task runs.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::Client;

use crate::options::env::environment;

/// Exchanges a web identity token for credentials.
#[derive(Debug)]
pub(crate) struct WebIdentity {
    sts: Client,
}

impl WebIdentity {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            sts: Client::new(config),
        }
    }

    async fn fetch(&self) -> provider::Result {
        let set = |name| {
            environment(name)
                .ok_or_else(|| CredentialsError::not_loaded(format!("{name} is not set")))
        };
        let path = set("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        let role = set("AWS_ROLE_ARN")?;
        let session = environment("AWS_ROLE_SESSION_NAME");
        let token = std::fs::read_to_string(&path).map_err(|error| {
            CredentialsError::provider_error(format!("token file {path}: {error}"))
        })?;
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name(session.as_deref().unwrap_or(super::identity::SESSION_NAME))
            .web_identity_token(token.trim())
            .send()
            .await
            .map_err(CredentialsError::provider_error)?;
        let found = answer
            .credentials()
            .ok_or_else(|| CredentialsError::unhandled("an answer without credentials"))?;
        Ok(Credentials::new(
            found.access_key_id(),
            found.secret_access_key(),
            Some(found.session_token().to_owned()),
            found.expiration().to_owned().try_into().ok(),
            "WebIdentity",
        ))
    }
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}
