//! `credential_process` of a profile: credentials from what a program writes.
//!
//! The SDK's own provider waits for the program with a signal handler that outlives the plugin in its
//! host, so the program is waited for here, on a thread of its own.

use std::process::{Command, Stdio};

use aws_config::profile;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use tokio::task::spawn_blocking;

use super::document;
use crate::fault::Chain;

/// Runs the program that a profile names.
#[derive(Debug)]
pub(super) struct Process {
    profile: Option<String>,
}

impl Process {
    pub(super) fn new(profile: Option<String>) -> Self {
        Self { profile }
    }

    async fn ask(&self) -> provider::Result {
        let Some(program) = self.program().await? else {
            return Err(CredentialsError::not_loaded("no credential_process"));
        };
        let answer = spawn_blocking(move || run(&program)).await;
        answer
            .unwrap_or_else(|_| Err("the thread that waited for it ended".to_owned()))
            .map_err(CredentialsError::provider_error)
    }

    async fn program(&self) -> Result<Option<String>, CredentialsError> {
        let name = self.profile.clone().map(Into::into);
        let files = EnvConfigFiles::default();
        let profiles = profile::load(&Fs::real(), &Env::real(), &files, name).await;
        let profiles = profiles
            .map_err(|error| CredentialsError::provider_error(Chain(&error).to_string()))?;
        Ok(profiles.get("credential_process").map(str::to_owned))
    }
}

impl ProvideCredentials for Process {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

/// What the program writes may be secret, so no part of it is in an error.
fn run(program: &str) -> Result<Credentials, String> {
    let output = Command::new("sh")
        .args(["-c", program])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("credential_process cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("credential_process failed: {}", output.status));
    }
    document::read(&output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_writes_credentials() {
        let written =
            r#"echo '{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK","SessionToken":"T"}'"#;
        let credentials = run(written).unwrap();
        assert_eq!(
            (credentials.access_key_id(), credentials.session_token()),
            ("AK", Some("T"))
        );
    }

    #[test]
    fn a_program_that_fails_is_told_without_what_it_wrote() {
        let why = run("echo secret; exit 3").unwrap_err();
        assert_eq!(why, "credential_process failed: exit status: 3");
        let why = run("echo secret").unwrap_err();
        assert!(!why.contains("secret"), "{why}");
    }
}
