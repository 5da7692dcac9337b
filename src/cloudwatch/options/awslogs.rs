//! The options of Docker's awslogs log driver: a task that logs by it needs no more than another
//! `logDriver` and a `Name`.
//!
//! Most of them are other names of options here. `awslogs-group` also brings the driver's defaults
//! along: the message is the line, the stream is the container's, and lines that Docker cut are
//! joined. Source: moby `daemon/logger/awslogs/cloudwatchlogs.go`.

use crate::options::{Alias, Reader, Spec};

/// The options.
pub const OPTIONS: &[Spec] = &[
    alias(
        "awslogs-group",
        "As `log_group_name`. It also sets the driver's defaults: the message is the line (`log_key log`), without another option the stream is the container's id, and a line that Docker cut into pieces of 16 KiB is joined again as far as the pieces are in one chunk.",
    ),
    alias("awslogs-region", "As `region`."),
    alias("awslogs-stream", "As `log_stream_name`."),
    Spec {
        key: "awslogs-stream-prefix",
        form: "text",
        default: "",
        help: "Log stream `PREFIX/CONTAINER/TASKID`, container and task from the tag. A record with another tag goes to `PREFIX/` and the tag.",
    },
    Spec {
        key: "tag",
        form: "Docker's tag template",
        default: "",
        help: "Log stream, with `awslogs-group` and no other option for the stream: text with `{{.ID}}`, `{{.FullID}}`, `{{.Name}}` and `{{.DaemonName}}`. Docker's other fields do not reach the router, and stop the start.",
    },
    alias("awslogs-create-group", "As `auto_create_group`."),
    alias("awslogs-create-stream", "As `auto_create_stream`."),
    Spec {
        key: "awslogs-format",
        form: "json/emf",
        default: "",
        help: "As `log_format`; not together with an option that joins lines.",
    },
    Spec {
        key: "awslogs-multiline-pattern",
        form: "regular expression",
        default: "",
        help: "Joins a container's lines to one event that begins with a line in which this is found, see Multiline.",
    },
    Spec {
        key: "awslogs-datetime-format",
        form: "strftime text",
        default: "",
        help: "As `awslogs-multiline-pattern`, for lines in which such a time is found, see Multiline.",
    },
    alias("awslogs-endpoint", "As `endpoint`."),
    Spec {
        key: "awslogs-credentials-endpoint",
        form: "path or URL",
        default: "",
        help: "As `credentials_endpoint`; a path is one of the ECS agent's address, `http://169.254.170.2`.",
    },
];

const fn alias(key: &'static str, help: &'static str) -> Spec {
    Spec {
        key,
        form: "as there",
        default: "",
        help,
    }
}

/// The options that set one of ours.
pub const ALIASES: &[Alias] = &[
    same("awslogs-group", "log_group_name"),
    same("awslogs-region", "region"),
    same("awslogs-stream", "log_stream_name"),
    same("awslogs-create-group", "auto_create_group"),
    same("awslogs-create-stream", "auto_create_stream"),
    same("awslogs-format", "log_format"),
    same("awslogs-endpoint", "endpoint"),
    Alias {
        key: "awslogs-credentials-endpoint",
        option: "credentials_endpoint",
        value: of_the_agent,
    },
];

const fn same(key: &'static str, option: &'static str) -> Alias {
    Alias {
        key,
        option,
        value: |value| value,
    }
}

/// The driver takes a path alone, of the address at which the ECS agent hands out credentials.
fn of_the_agent(value: String) -> String {
    if value.starts_with('/') {
        format!("{AGENT}{value}")
    } else {
        value
    }
}

/// Whether the driver's defaults hold.
#[must_use]
pub fn is_driver(reader: &Reader<'_>) -> bool {
    reader.is_set("awslogs-group")
}

/// `log_key`, or the key that Docker has the line under where the message has to be the line.
#[must_use]
pub fn log_key(reader: &Reader<'_>) -> Option<String> {
    let is_line = is_driver(reader) || JOINING.iter().any(|key| reader.is_set(key));
    let line = || is_line.then(|| LINE.to_owned());
    reader.text("log_key").or_else(line)
}

/// `log_format`, of which the driver knows one value.
#[must_use]
pub fn log_format(reader: &Reader<'_>) -> Option<String> {
    if !reader.is_set("awslogs-format") {
        return reader.text("log_format");
    }
    let known = |value: &str| (value == EMF).then(|| EMF.to_owned());
    reader.parsed("log_format", EMF, known)
}

/// The options that join lines; at most one of them is set.
pub const JOINING: [&str; 2] = ["awslogs-multiline-pattern", "awslogs-datetime-format"];
const LINE: &str = "log";
const EMF: &str = "json/emf";
const AGENT: &str = "http://169.254.170.2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credentials_path_is_one_of_the_agents_address() {
        for (written, meant) in [
            ("/v2/credentials/x", "http://169.254.170.2/v2/credentials/x"),
            ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ] {
            assert_eq!(of_the_agent(written.to_owned()), meant);
        }
    }

    #[test]
    fn each_alias_is_an_option_and_so_is_what_it_sets() {
        use crate::cloudwatch::options::OPTIONS as ALL;
        for alias in ALIASES {
            for key in [alias.key, alias.option] {
                assert!(ALL.iter().any(|spec| spec.key == key), "{key}");
            }
        }
    }
}
