//! STS over the query protocol: AssumeRole and AssumeRoleWithWebIdentity.

use std::collections::BTreeMap;

use super::answer::{Answer, ErrorAnswer, STS_XMLNS, ZERO_ID, escaped};
use super::clock::iso8601;
use super::form;
use super::keys::Issued;
use super::service::{Service, locked};

/// One role assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumedRole {
    /// `AssumeRole` or `AssumeRoleWithWebIdentity`.
    pub operation: String,
    /// ARN of the role.
    pub role_arn: String,
    /// Session name.
    pub session_name: String,
    /// External id, when one was given.
    pub external_id: Option<String>,
    /// Duration asked for, in seconds.
    pub duration_seconds: Option<u32>,
    /// Web identity token.
    pub web_identity_token: Option<String>,
}

/// A request of the query protocol.
pub(super) struct Query {
    form: BTreeMap<String, String>,
}

impl Query {
    pub(super) fn of(body: &[u8]) -> Self {
        Self {
            form: form::decoded(&String::from_utf8_lossy(body)),
        }
    }

    pub(super) fn operation(&self) -> &str {
        self.form.get("Action").map_or("", String::as_str)
    }

    /// Only a web identity may be exchanged without a signature.
    pub(super) fn is_signed(&self) -> bool {
        self.operation() != "AssumeRoleWithWebIdentity"
    }

    pub(super) fn run(&self, service: &Service) -> Result<Answer, ErrorAnswer> {
        if !["AssumeRole", "AssumeRoleWithWebIdentity"].contains(&self.operation()) {
            return Err(ErrorAnswer::new(
                400,
                "InvalidAction",
                "Could not find operation",
            ));
        }
        let role = self.role()?;
        let lifetime = service.settings.credentials_lifetime.as_millis();
        let expires_ms = service.clock.now_ms() + i64::try_from(lifetime).unwrap_or(i64::MAX / 2);
        let issued = locked(&service.keys).issue(expires_ms);
        let answer = role.answer(&issued);
        service.change(|account| account.assumed_roles.push(role));
        Ok(answer)
    }

    fn role(&self) -> Result<AssumedRole, ErrorAnswer> {
        let role = AssumedRole {
            operation: self.operation().to_owned(),
            role_arn: self.needed("RoleArn", 20..=2048)?,
            session_name: self.needed("RoleSessionName", 2..=64)?,
            external_id: self.form.get("ExternalId").cloned(),
            duration_seconds: self.duration()?,
            web_identity_token: self.form.get("WebIdentityToken").cloned(),
        };
        if !self.is_signed() && role.web_identity_token.is_none() {
            return Err(invalid("WebIdentityToken"));
        }
        Ok(role)
    }

    fn needed(
        &self,
        name: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> Result<String, ErrorAnswer> {
        let value = self
            .form
            .get(name)
            .filter(|value| length.contains(&value.len()));
        value.cloned().ok_or_else(|| invalid(name))
    }

    /// API reference, AssumeRole: 900 to 43,200 seconds.
    fn duration(&self) -> Result<Option<u32>, ErrorAnswer> {
        let Some(text) = self.form.get("DurationSeconds") else {
            return Ok(None);
        };
        let seconds = text
            .parse()
            .ok()
            .filter(|seconds| (900..=43_200).contains(seconds));
        seconds.map(Some).ok_or_else(|| invalid("DurationSeconds"))
    }
}

impl AssumedRole {
    fn answer(&self, issued: &Issued) -> Answer {
        let (operation, session) = (&self.operation, escaped(&self.session_name));
        let (id, secret, token) = (&issued.id, &issued.secret, &issued.token);
        let (arn, expires) = (escaped(&self.role_arn), iso8601(issued.expires_ms));
        Answer::xml(format!(
            "<{operation}Response xmlns=\"{STS_XMLNS}\"><{operation}Result>\
             <AssumedRoleUser><AssumedRoleId>AROASTANDIN:{session}</AssumedRoleId>\
             <Arn>{arn}/{session}</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>\
             </{operation}Result><ResponseMetadata><RequestId>{ZERO_ID}</RequestId></ResponseMetadata>\
             </{operation}Response>"
        ))
    }
}

fn invalid(name: &str) -> ErrorAnswer {
    ErrorAnswer::new(
        400,
        "ValidationError",
        format!("The parameter {name} is missing or not within its limits."),
    )
}
