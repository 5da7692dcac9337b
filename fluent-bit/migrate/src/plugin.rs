//! The plugins here, asked what they make of options.

use std::time::Duration;

use router::cloudwatch::CloudWatch;
use router::destination::PluginInfo;
use router::firehose::Firehose;
use router::kinesis::Kinesis;
use router::options::{Reader, Spec};

use crate::options::{Options, is_of_the_environment};

/// A plugin of this router.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plugin {
    /// `Name cloudwatch`.
    CloudWatch,
    /// `Name firehose`.
    Firehose,
    /// `Name kinesis`.
    Kinesis,
}

impl Plugin {
    /// The plugin of that name, which Fluent Bit takes in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::CloudWatch, Self::Firehose, Self::Kinesis];
        all.into_iter()
            .find(|plugin| plugin.name().eq_ignore_ascii_case(name))
    }

    /// Its row among the plugins.
    #[must_use]
    pub fn info(self) -> &'static PluginInfo {
        match self {
            Self::CloudWatch => const { &PluginInfo::of::<CloudWatch>() },
            Self::Firehose => const { &PluginInfo::of::<Firehose>() },
            Self::Kinesis => const { &PluginInfo::of::<Kinesis>() },
        }
    }

    /// Its name in a section.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The options that it has.
    #[must_use]
    pub fn specs(self) -> &'static [Spec] {
        self.info().options
    }

    /// The option of that key, in any case.
    #[must_use]
    pub fn spec(self, key: &str) -> Option<&'static Spec> {
        let mut specs = self.specs().iter();
        specs.find(|spec| spec.key.eq_ignore_ascii_case(key))
    }

    /// What to do about a key that it knows as another's.
    #[must_use]
    pub fn advice(self, key: &str) -> Option<&'static str> {
        let mut foreign = self.info().foreign.iter();
        let found = foreign.find(|(known, _)| known.eq_ignore_ascii_case(key));
        found.map(|(_, advice)| *advice)
    }

    /// What it would refuse to start with, and what it would warn of. A problem with a value that is
    /// not known here is none.
    #[must_use]
    pub fn verdict(self, options: &Options) -> Verdict {
        let reader = reader(self, options);
        let flush_timeout = (self.info().read)(&reader, |_| None).flush_timeout;
        let mut problems = reader.problems();
        problems.retain(|problem| !is_of_the_environment(problem));
        Verdict {
            problems,
            idle: reader.unknown(&[]),
            flush_timeout,
        }
    }
}

impl Verdict {
    /// Why a key that is no option has no effect.
    #[must_use]
    pub fn why_idle(&self, plugin: Plugin, key: &str) -> String {
        if let Some(advice) = plugin.advice(key) {
            return format!("`{key}` has no effect here: {advice}");
        }
        self.idle_line(key).map_or_else(
            || format!("`{key}` is no option and has no effect"),
            str::to_owned,
        )
    }

    /// The line about a key that has no effect with the other options.
    #[must_use]
    pub fn idle_line(&self, key: &str) -> Option<&str> {
        let of_key = format!("`{}` ", key.to_ascii_lowercase());
        let mut lines = self.idle.iter();
        lines
            .find(|line| line.starts_with(&of_key))
            .map(String::as_str)
    }
}

/// What a plugin says of options.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verdict {
    /// Why it would not start.
    pub problems: Vec<String>,
    /// What would have no effect.
    pub idle: Vec<String>,
    /// How long it may work on a chunk.
    pub flush_timeout: Duration,
}

/// A plugin's reader of these options.
#[must_use]
pub fn reader(plugin: Plugin, options: &Options) -> Reader<'_> {
    Reader::new(plugin.specs(), |key| options.get(key).map(str::to_owned))
}
