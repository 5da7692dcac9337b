//! What all plugins take, and what all are given by mistake.

use std::path::PathBuf;
use std::time::Duration;

use super::{Reader, Spec};
use crate::aws::session;
use crate::batch::oversize::Oversize;

/// The options that every destination has, as values.
#[derive(Debug)]
pub struct Common {
    /// How to reach AWS.
    pub session: session::Settings,
    /// The longest time that the delivery of one chunk takes.
    pub flush_timeout: Duration,
    /// Chunks that are delivered at once.
    pub concurrency: u32,
    /// Where what is delivered of a chunk is noted for the next process.
    pub resume_path: Option<PathBuf>,
}

impl Common {
    /// Reads them; the reader collects the problems.
    #[must_use]
    pub fn read(reader: &Reader<'_>, environment: fn(&str) -> Option<String>) -> Self {
        let second = Duration::from_secs(1);
        let flush_timeout = reader.duration("flush_timeout", second, second * 600);
        Self {
            session: session::Settings::read(reader, environment),
            flush_timeout: flush_timeout.unwrap_or(second),
            concurrency: reader.number("concurrency", 1, 64).unwrap_or(1),
            resume_path: resume_path(reader, environment),
        }
    }
}

/// The options that all plugins have, with one meaning.
pub const OPTIONS: &[Spec] = &[
    Spec {
        key: "region",
        form: "region name",
        default: "",
        help: "AWS region, also the one requests are signed for. Without it: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, the ECS task, the EC2 instance.",
    },
    Spec {
        key: "log_key",
        form: "key, or keys separated by commas",
        default: "",
        help: "Sends only the value of this key: text as it is, anything else as JSON. Of several keys the first that a record has is used; a record with none of them is skipped and counted.",
    },
    Spec {
        key: "endpoint",
        form: "URL or host",
        default: "",
        help: "Where the service is; scheme (`https` without one), port and path may be given, a user name and a password may not.",
    },
    Spec {
        key: "sts_endpoint",
        form: "URL or host",
        default: "",
        help: "Where STS is, for `role_arn`, `EKS_POD_EXECUTION_ROLE` and web identity; a profile's own roles follow `AWS_ENDPOINT_URL_STS`. The region's own STS without it. As in `endpoint`, no user name and no password.",
    },
    Spec {
        key: "role_arn",
        form: "role ARN",
        default: "",
        help: "Role to take on; `endpoint` counts with it too.",
    },
    Spec {
        key: "external_id",
        form: "text",
        default: "",
        help: "External id for `role_arn`.",
    },
    Spec {
        key: "profile",
        form: "profile name",
        default: "",
        help: "Profile of the shared AWS configuration files. Its `credential_process` may run for 5 s and write 64 KiB; then it is killed with the processes it started in its group.",
    },
    Spec {
        key: "extra_user_agent",
        form: "text",
        default: "",
        help: "Added to the user agent of requests.",
    },
    Spec {
        key: "credentials_endpoint",
        form: "URL or host",
        default: "",
        help: "Where to ask for base credentials, in place of every other source: a JSON document with `AccessKeyId`, `SecretAccessKey`, `Token` and `Expiration`. A user name and a password in it are sent as basic authentication. Lines of the log show its scheme, host and port only.",
    },
    Spec {
        key: "use_fips",
        form: "switch",
        default: "",
        help: "FIPS endpoints, for the service and STS; `endpoint` and `sts_endpoint` come before it. Without it: `AWS_USE_FIPS_ENDPOINT`, then the profile.",
    },
    Spec {
        key: "use_dualstack",
        form: "switch",
        default: "",
        help: "Endpoints that speak IPv6 too, for the service and STS; `endpoint` and `sts_endpoint` come before it. Without it: `AWS_USE_DUALSTACK_ENDPOINT`, then the profile.",
    },
    Spec {
        key: "auto_retry_requests",
        form: "switch",
        default: "true",
        help: "Sends a request that got no answer again within the same flush. When off, that is left to Fluent Bit, which retries the chunk; requests answered with an error that can pass are tried again either way.",
    },
    Spec {
        key: "flush_timeout",
        form: "time",
        default: "10s",
        help: "Longest time that the delivery of one chunk takes, retries included. Fluent Bit is then asked to retry what is left of it.",
    },
    Spec {
        key: "concurrency",
        form: "number",
        default: "10",
        help: "Chunks of this output that are delivered at once, from 1 to 64. Others wait, which takes no thread and no time of `flush_timeout`.",
    },
    Spec {
        key: "resume_path",
        form: "absolute path, or `off`",
        default: "",
        help: "Directory in which the output notes what of a chunk is delivered, so that a chunk that Fluent Bit keeps in its `storage.path` over a restart or a kill sends only the rest. Made if it is missing; several outputs of any plugin may share it. Put it on the volume of `storage.path`. Without it: `FLUENT_BIT_RESUME_PATH`, which the image sets with `filesystem-buffering.conf`; else nothing is noted.",
    },
];

/// Options that change how requests are sent, and not of which events a chunk is made.
pub const WITHOUT_EFFECT_ON_EVENTS: &[&str] = &[
    "auto_retry_requests",
    "concurrency",
    "experimental_concurrency",
    "extra_user_agent",
    "flush_timeout",
    "http_request_timeout",
    "resume_path",
];

/// Reads `oversize`.
#[must_use]
pub fn oversize(reader: &Reader<'_>) -> Oversize {
    let choices = [("split", Oversize::Split), ("truncate", Oversize::Truncate)];
    let chosen = reader.choice("oversize", &choices);
    chosen.unwrap_or(Oversize::Split)
}

/// Reads `resume_path`; `off` is a value, as the environment may have a default.
#[must_use]
pub fn resume_path(
    reader: &Reader<'_>,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let parse = |value: &str| match value {
        "off" => Some(None),
        _ => Some(PathBuf::from(value))
            .filter(|path| path.is_absolute())
            .map(Some),
    };
    if reader.is_set("resume_path") {
        let parsed = reader.parsed("resume_path", "an absolute path, or off", parse);
        return parsed.flatten();
    }
    let value = environment(RESUME_PATH_VARIABLE)?;
    let parsed = parse(&value);
    if parsed.is_none() {
        reader.problem(format_args!(
            "{RESUME_PATH_VARIABLE} is `{value}`: it must be an absolute path, or off"
        ));
    }
    parsed.flatten()
}

/// The default of `resume_path` in the environment.
pub const RESUME_PATH_VARIABLE: &str = "FLUENT_BIT_RESUME_PATH";

/// Options of Docker's log drivers, which FireLens passes on.
pub const FOREIGN: &[(&str, &str)] = &[
    (
        "mode",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
    (
        "max-buffer-size",
        "it belongs to a Docker log driver; use `log-driver-buffer-limit` with FireLens.",
    ),
    (
        "env",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
    (
        "labels",
        "it belongs to a Docker log driver, and FireLens passes it on to the router.",
    ),
];
