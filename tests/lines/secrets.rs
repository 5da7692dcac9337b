//! What no line may hold.

use support::host::LogLine;

/// Stands in every payload.
pub(crate) const PAYLOAD: &str = "cardnumber4111";
const SECRET: &str = "wJalrSECRETkey";
const TOKEN: &str = "IQoJSESSIONtoken";
const PASSWORD: &str = "proxyPASSWORD";

/// The identity of every case, and a way to the network that has a password.
pub(crate) const ENVIRONMENT: [(&str, Option<&str>); 11] = [
    ("AWS_ACCESS_KEY_ID", Some("AKIAIOSFODNN7EXAMPLE")),
    ("AWS_SECRET_ACCESS_KEY", Some(SECRET)),
    ("AWS_SESSION_TOKEN", Some(TOKEN)),
    ("AWS_EC2_METADATA_DISABLED", Some("true")),
    ("AWS_CONFIG_FILE", Some("/dev/null")),
    ("AWS_SHARED_CREDENTIALS_FILE", Some("/dev/null")),
    ("ECS_CONTAINER_METADATA_URI", None),
    ("ECS_CONTAINER_METADATA_URI_V4", None),
    ("AWS_REGION", None),
    ("AWS_DEFAULT_REGION", None),
    // Nobody listens there; only https endpoints take it.
    ("HTTPS_PROXY", Some("http://user:proxyPASSWORD@127.0.0.1:9")),
];

pub(crate) fn assert_kept(lines: &[&LogLine]) {
    for secret in [PAYLOAD, SECRET, TOKEN, PASSWORD] {
        let telling = lines.iter().find(|line| line.text.contains(secret));
        assert!(telling.is_none(), "`{secret}` is told: {telling:#?}");
    }
    assert!(lines.len() > 50, "{} lines are few", lines.len());
}
