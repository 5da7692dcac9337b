//! The troubles, each through the plugin as built.

use super::Case;
use support::aws::{Action, ErrorAnswer};

use super::scenes::*;

/// Every trouble.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "throttled, then accepted",
        lines: || failing(1, "ThrottlingException", "Rate exceeded"),
    },
    Case {
        name: "throttled until the flush ends",
        lines: || throttled(),
    },
    Case {
        name: "a server's error",
        lines: || failing(999, "InternalFailure", ""),
    },
    Case {
        name: "no permission",
        lines: || failing(999, "AccessDeniedException", "User is not authorized."),
    },
    Case {
        name: "an expired token",
        lines: || {
            failing(
                999,
                "ExpiredTokenException",
                "The security token is expired.",
            )
        },
    },
    Case {
        name: "an event that the service refuses",
        lines: refused,
    },
    Case {
        name: "a target that refuses every request",
        lines: || failing(999, "InvalidParameterException", "Not in this account."),
    },
    Case {
        name: "more streams than there is time for",
        lines: many_streams,
    },
    Case {
        name: "an answer that is too large",
        lines: too_large,
    },
    Case {
        name: "events outside the service's times",
        lines: times,
    },
    Case {
        name: "no answer",
        lines: || befallen(Action::Hang),
    },
    Case {
        name: "a connection that is reset",
        lines: || befallen(Action::Reset),
    },
    Case {
        name: "an answer that is none",
        lines: || befallen(Action::Garbage),
    },
    Case {
        name: "no connection",
        lines: no_connection,
    },
    Case {
        name: "no connection to a proxy",
        lines: no_proxy,
    },
    Case {
        name: "no credentials",
        lines: no_credentials,
    },
    Case {
        name: "no region",
        lines: no_region,
    },
    Case {
        name: "a group that is missing",
        lines: || missing(&[]),
    },
    Case {
        name: "a group that is created",
        lines: || missing(&[("auto_create_group", "true"), ("log_retention_days", "7")]),
    },
    Case {
        name: "a group that may not be created",
        lines: || denied("CreateLogGroup"),
    },
    Case {
        name: "a stream that may not be created",
        lines: || denied("CreateLogStream"),
    },
    Case {
        name: "a group whose tags are refused",
        lines: || denied_with("CreateLogGroup", &[("new_log_group_tags", "a=b")]),
    },
    Case {
        name: "a group that is created without its tags",
        lines: || {
            let tags = ("new_log_group_tags", "a=b");
            denied_with("CreateLogGroup", &[tags, ("on_create_refused", "continue")])
        },
    },
    Case {
        name: "a group whose key is refused",
        lines: || {
            let key = "arn:aws:kms:us-east-1:123456789012:key/x";
            let message = "The specified KMS key does not exist or is not allowed to be used.";
            let error = ErrorAnswer::new(400, "InvalidParameterException", message);
            create_fails("CreateLogGroup", error, &[("kms_key_id", key)])
        },
    },
    Case {
        name: "a create that is throttled, then accepted",
        lines: || {
            let error = ErrorAnswer::new(400, "ThrottlingException", "Rate exceeded");
            create_fails("CreateLogStream", error, &[])
        },
    },
    Case {
        name: "an entity that is rejected",
        lines: rejected_entity,
    },
    Case {
        name: "a retention that may not be set",
        lines: || denied_with("PutRetentionPolicy", &[("log_retention_days", "7")]),
    },
    Case {
        name: "a chunk that is torn",
        lines: || told(|output| output, &chunk().torn(3)),
    },
    Case {
        name: "values that are no records",
        lines: || told(|output| output, &chunk().record(7_i64.into())),
    },
    Case {
        name: "records without the key",
        lines: || told(|output| output.with("log_key", "nothing"), &chunk()),
    },
    Case {
        name: "empty events",
        lines: || told(|output| output.with("log_key", "log"), &records(&[""])),
    },
    Case {
        name: "events that are cut",
        lines: || oversize("truncate"),
    },
    Case {
        name: "events in parts",
        lines: || oversize("split"),
    },
    Case {
        name: "values too deep",
        lines: too_deep,
    },
    Case {
        name: "names without a value",
        lines: fallbacks,
    },
    Case {
        name: "names that need the metadata of ECS",
        lines: no_metadata,
    },
    Case {
        name: "an endpoint with a login",
        lines: login,
    },
    Case {
        name: "a chunk that comes again",
        lines: resumed,
    },
    Case {
        name: "records that Firehose does not take",
        lines: || partial(999),
    },
    Case {
        name: "records that Firehose takes late",
        lines: || partial(1),
    },
    Case {
        name: "a delivery stream that is missing",
        lines: no_delivery_stream,
    },
    Case {
        name: "no permission for Firehose",
        lines: no_permission_for_firehose,
    },
    Case {
        name: "a delivery stream's name without a value",
        lines: firehose_fallback,
    },
    Case {
        name: "records that Kinesis does not take",
        lines: || kinesis_partial(999),
    },
    Case {
        name: "records that Kinesis takes late",
        lines: || kinesis_partial(1),
    },
    Case {
        name: "a stream that is missing",
        lines: no_stream,
    },
    Case {
        name: "no permission for Kinesis",
        lines: no_permission_for_kinesis,
    },
    Case {
        name: "records without a partition key",
        lines: no_partition_key,
    },
    Case {
        name: "records beyond a Kinesis record",
        lines: kinesis_oversize,
    },
    Case {
        name: "options that are wrong",
        lines: wrong_options,
    },
    Case {
        name: "options that mean nothing",
        lines: || {
            told(
                |output| {
                    let output = output.with("mode", "x").with("log_retention_day", "7");
                    output.with("log_retention_days", "7")
                },
                &chunk(),
            )
        },
    },
];
