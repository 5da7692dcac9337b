//! The name when no template has a value, and the ways to name streams that are no templates.

use crate::cloudwatch::docker_tag;
use crate::cloudwatch::options::awslogs;
use crate::naming::template::{Missing, Source};
use crate::naming::variables::firelens;
use crate::options::Reader;

/// The name when no candidate has a value.
#[derive(Debug)]
pub(super) enum Last {
    Text(String),
    PrefixAndTag(String),
    PrefixAndContainer(String),
    Docker {
        tag: docker_tag::Tag,
        otherwise: String,
    },
}

impl Last {
    /// Exactly one option says how streams are named; the awslogs driver has a way without one.
    pub(super) fn stream(reader: &Reader<'_>) -> Self {
        let set = STREAM_OPTIONS.map(|key| reader.is_set(key));
        let otherwise = reader.text("default_log_stream_name").unwrap_or_default();
        let count = set.iter().filter(|is_set| **is_set).count();
        let by_docker = count == 0 && awslogs::is_driver(reader);
        if count != 1 && !by_docker {
            let [name, prefix, container] = STREAM_OPTIONS;
            let how = if count == 0 { "none is" } else { "more are" };
            reader.problem(format_args!(
                "exactly one of `{name}`, `{prefix}` and `{container}` must be set; {how}"
            ));
        }
        if by_docker {
            let tag = docker_tag::Tag::read(reader);
            return Self::Docker { tag, otherwise };
        }
        if reader.is_set("tag") {
            reader.idle("tag", TAG);
        }
        let [_, prefix, container] = STREAM_OPTIONS.map(|key| reader.text(key));
        match (prefix, container) {
            (Some(prefix), _) => Self::PrefixAndTag(prefix),
            (_, Some(prefix)) => Self::PrefixAndContainer(prefix),
            _ => Self::Text(otherwise),
        }
    }

    /// Appends the name; says which item had no value.
    pub(super) fn render<'l>(
        &'l self,
        source: &impl Source,
        out: &mut Vec<u8>,
    ) -> Option<Missing<'l>> {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::PrefixAndTag(prefix) => append(&[prefix, source.tag()], out),
            Self::PrefixAndContainer(prefix) => match firelens(source.tag()) {
                Some((container, task)) => append(&[prefix, "/", container, "/", task], out),
                None => append(&[prefix, "/", source.tag()], out),
            },
            Self::Docker { tag, otherwise } => {
                let missing = tag.render(source, out).err();
                if missing.is_some() {
                    append(&[otherwise], out);
                }
                return missing;
            }
        }
        None
    }
}

fn append(texts: &[&str], out: &mut Vec<u8>) {
    texts
        .iter()
        .for_each(|text| out.extend_from_slice(text.as_bytes()));
}

const STREAM_OPTIONS: [&str; 3] = [
    "log_stream_name",
    "log_stream_prefix",
    "awslogs-stream-prefix",
];
/// Why Docker's tag may have no effect.
const TAG: &str = "it names streams with `awslogs-group` and no other option for the stream; Fluent Bit's tag is the container's, `NAME-firelens-TASKID`, and templates read it as `$(tag)`.";
