//! The plugins that this router replaces, and what their options meant.
//!
//! An option of a peer's that the plugin here has too means the same, unless it is told otherwise
//! below. Sources: the Go plugins `cloudwatch` 1.9, `firehose` 1.7 and `kinesis` 1.10, Fluent Bit's
//! `out_cloudwatch_logs`, `out_kinesis_firehose` and `out_kinesis_streams` 5.1.

mod table;

pub use self::table::PEERS;

use crate::options::Options;
use crate::plugin::Plugin;
use crate::report::Remark;

/// A plugin that is replaced.
#[derive(Debug)]
pub struct Peer {
    /// Its `Name`.
    pub name: &'static str,
    /// The plugin here.
    pub plugin: Plugin,
    /// What it is written in, and so which habits it has.
    pub family: Family,
    /// The options that it had; any other had no effect, or stopped the start.
    pub options: &'static [&'static str],
}

/// The habits of a plugin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// AWS's plugins in Go.
    Go,
    /// Fluent Bit's own.
    C,
}

impl Peer {
    /// The peer of that name, which Fluent Bit takes in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PEERS
            .iter()
            .find(|peer| peer.name.eq_ignore_ascii_case(name))
    }

    /// Whether it had this option.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        let mut options = self.options.iter();
        options.any(|option| option.eq_ignore_ascii_case(key))
    }

    /// What works without an edit, and differently; and what is to be edited for it not to.
    #[must_use]
    pub fn differences(&self, options: &Options) -> Vec<Remark> {
        let of_all = match self.family {
            Family::Go => go(self.plugin, options),
            Family::C => c(self.plugin, options),
        };
        of_all.into_iter().flatten().collect()
    }
}

fn go(plugin: Plugin, options: &Options) -> Vec<Option<Remark>> {
    let value = |key: &str| options.get(key).unwrap_or_default();
    let is_set = |key| options.get(key).is_some();
    vec![
        change(
            plugin == Plugin::CloudWatch || is_set("time_key"),
            "an event's time is its record's own, where the Go plugin took the time of delivery with Fluent Bit 2.1 and later",
        ),
        change(
            plugin == Plugin::CloudWatch && is_set("log_key"),
            "`log_key`: white space around a line stays",
        ),
        change(
            plugin == Plugin::CloudWatch && !is_set("log_key"),
            "a record's keys stay in their order, and `<`, `>` and `&` as they are",
        ),
        change(
            is_set("role_arn") && is_set("endpoint"),
            "`endpoint` counts together with `role_arn`, where the Go plugin left it out",
        ),
        change(
            plugin == Plugin::Kinesis && is_set("partition_key") && is_on(value("aggregation")),
            "`aggregation`: an aggregate has records of one partition key, where the Go plugin sent records of several keys under one of them",
        ),
        change(
            plugin == Plugin::Kinesis && is_set("experimental_concurrency"),
            "`experimental_concurrency`: a chunk is acknowledged when it is delivered, where the Go plugin acknowledged it before",
        ),
    ]
}

fn c(plugin: Plugin, options: &Options) -> Vec<Option<Remark>> {
    let value = |key: &str| options.get(key).unwrap_or_default();
    let is_set = |key| options.get(key).is_some();
    let names = ["log_group_name", "log_stream_name"];
    // `${NAME}` is a variable of the environment, for both.
    let is_template = |key: &&str| value(key).replace("${", "").contains('$');
    let template = names.into_iter().find(is_template);
    vec![
        template.map(|key| {
            Remark::Change(format!(
                "`{key}`: `$` begins a variable here, where the C plugin took it as it is"
            ))
        }),
        change(
            is_set("log_key"),
            "`log_key`: the key is matched whole, where the C plugin took each one that it begins with",
        ),
        edit(
            is_set("time_key") && !is_set("time_key_zone"),
            "add `time_key_zone utc`: the C plugin writes UTC, the plugin here local time unless told",
        ),
        edit(
            value("time_key_format").contains("%L"),
            "`time_key_format`: write `%9N` for `%L`, which is milliseconds here and nanoseconds in the C plugin",
        ),
        edit(
            plugin == Plugin::Kinesis
                && !is_set("append_newline")
                && !is_on(value("simple_aggregation")),
            "add `append_newline true`: the C plugin ends each record in a newline",
        ),
        change(
            is_set("log_retention_days") && is_on(value("auto_create_group")),
            "`log_retention_days`: with `auto_create_group true` it is set for log groups that exist, too, when they are first written to",
        ),
    ]
}

fn change(applies: bool, text: &str) -> Option<Remark> {
    applies.then(|| Remark::Change(text.to_owned()))
}

fn edit(applies: bool, text: &str) -> Option<Remark> {
    applies.then(|| Remark::Edit(text.to_owned()))
}

/// What to do about a key that Fluent Bit keeps to itself; `None` for one that reaches a plugin.
///
/// Source: fluent-bit `src/flb_output.c`.
#[must_use]
pub fn kept_by_the_host(key: &str, value: &str, family: Family) -> Option<Remark> {
    let key = key.to_ascii_lowercase();
    let lost = |text: String| Some(Remark::Edit(text));
    let was_the_plugins = family == Family::C;
    match key.as_str() {
        "tls" if is_on(value) => Some(Remark::Problem(
            "`tls on` stops the start: leave it out, TLS is the plugin's own".to_owned(),
        )),
        "port" if !was_the_plugins => lost(
            "leave out `port`: it has no effect, as before; an `endpoint` may have one".to_owned(),
        ),
        "port" => lost(format!(
            "leave out `port`, and write it into `endpoint`: `endpoint https://HOST:{value}`"
        )),
        "tls.ca_file" | "tls.ca_path" if was_the_plugins => lost(format!(
            "leave out `{key}`, and set AWS_CA_BUNDLE in the router's environment"
        )),
        "workers" => lost(
            "leave out `workers`: a flush that waits holds no thread, and `concurrency` says how many chunks are delivered at once"
                .to_owned(),
        ),
        _ if key.starts_with("tls.") || key.starts_with("net.") => {
            if !was_the_plugins {
                return lost(format!("leave out `{key}`: it has no effect, as before"));
            }
            lost(format!("leave out `{key}`: it does not reach the plugin"))
        }
        _ if OF_THE_HOST.contains(&key.as_str()) || key.starts_with("storage.") => {
            Some(Remark::Keep(key))
        }
        _ => None,
    }
}

/// Whether a switch is on.
pub(crate) fn is_on(value: &str) -> bool {
    let on = ["on", "true", "yes", "1"];
    on.iter().any(|on| value.eq_ignore_ascii_case(on))
}

const OF_THE_HOST: [&str; 12] = [
    "alias",
    "host",
    "ipv6",
    "log_level",
    "log_suppress_interval",
    "match",
    "match_regex",
    "name",
    "port",
    "retry_limit",
    "tls",
    "active",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_a_peer_is_one_here() {
        for peer in PEERS {
            for option in peer.options {
                let plugin = peer.plugin;
                assert!(
                    plugin.spec(option).is_some() || plugin.advice(option).is_some(),
                    "{}: {option}",
                    peer.name
                );
            }
        }
    }
}
