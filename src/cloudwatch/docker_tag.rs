//! Docker's tag template: how the awslogs driver names the log stream of a container.
//!
//! The template is a Go template with Docker's data of the container. Only the fields that Docker's
//! fluentd driver writes into each record are available here; most fields have no value. Source: moby
//! `daemon/logger/loggerutils/log_tag.go`.

use crate::naming::template::{Missing, Source, Step};
use crate::options::Reader;

/// A parsed tag template.
#[derive(Debug)]
pub(super) struct Tag(Vec<(String, Item)>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Item {
    Text,
    ShortId,
    Id,
    Name,
    Daemon,
}

impl Tag {
    /// Reads the option `tag`. The default is the container's id, as in the driver.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let text = reader.text("tag");
        let text = text.as_deref().unwrap_or("{{.FullID}}");
        Self::parse(text).unwrap_or_else(|why| {
            reader.problem(format_args!("`tag` is `{text}`: {why}"));
            Self(Vec::new())
        })
    }

    fn parse(mut rest: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        while let Some((text, after_braces)) = rest.split_once("{{") {
            let (field, after) = after_braces.split_once("}}").ok_or("a `{{` has no `}}`")?;
            items.push((text.to_owned(), Item::Text));
            items.push((format!("{{{{{field}}}}}"), Item::named(field.trim())?));
            rest = after;
        }
        items.push((rest.to_owned(), Item::Text));
        items.retain(|(text, _)| !text.is_empty());
        Ok(Self(items))
    }

    /// Appends the name for a record.
    ///
    /// # Errors
    ///
    /// Returns the first item without a value. `out` is then unchanged.
    pub(super) fn render<'t>(
        &'t self,
        source: &impl Source,
        out: &mut Vec<u8>,
    ) -> Result<(), Missing<'t>> {
        let before = out.len();
        for (text, item) in &self.0 {
            if !item.render(text, source, out) {
                out.truncate(before);
                return Err(Missing { item: text });
            }
        }
        Ok(())
    }
}

impl Item {
    fn named(field: &str) -> Result<Self, String> {
        match field {
            ".ID" => Ok(Self::ShortId),
            ".FullID" => Ok(Self::Id),
            ".Name" => Ok(Self::Name),
            ".DaemonName" => Ok(Self::Daemon),
            _ => Err(format!(
                "the router does not know `{{{{{field}}}}}`, only .ID, .FullID, .Name and .DaemonName"
            )),
        }
    }

    fn render(self, text: &str, source: &impl Source, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        match self {
            Self::Text => out.extend_from_slice(text.as_bytes()),
            Self::Daemon => out.extend_from_slice(b"docker"),
            Self::Id => return value(source, "container_id", out),
            Self::ShortId => {
                let known = value(source, "container_id", out);
                out.truncate(start + SHORT_ID);
                return known;
            }
            Self::Name => {
                let known = value(source, "container_name", out);
                if out[start..].starts_with(b"/") {
                    out.remove(start);
                }
                return known;
            }
        }
        true
    }
}

fn value(source: &impl Source, key: &str, out: &mut Vec<u8>) -> bool {
    source.field(&[Step::Key(key.into())], out)
}

/// Length of Docker's short form of an id, in characters.
const SHORT_ID: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::template::Variable;

    struct Record(bool);

    impl Source for Record {
        fn tag(&self) -> &str {
            "web-firelens-0f9d"
        }
        fn time(&self) -> (i64, u32) {
            (0, 0)
        }
        fn field(&self, path: &[Step], out: &mut Vec<u8>) -> bool {
            let text = match path {
                [Step::Key(key)] if &**key == "container_id" => "43481a6ce4842eec8fe72fc28500",
                _ => "/ecs-shop-7-web-c6b5",
            };
            out.extend_from_slice(text.as_bytes());
            self.0
        }
        fn variable(&self, _: Variable) -> Option<&str> {
            None
        }
    }

    #[test]
    fn a_tag_template_is_rendered_as_docker_does() {
        for (template, expected) in [
            ("{{.ID}}", "43481a6ce484"),
            ("{{ .FullID }}", "43481a6ce4842eec8fe72fc28500"),
            ("p/{{.Name}}/x", "p/ecs-shop-7-web-c6b5/x"),
            ("{{.DaemonName}}.{{.ID}}", "docker.43481a6ce484"),
            ("plain", "plain"),
        ] {
            let mut out = b"group\0".to_vec();
            Tag::parse(template)
                .unwrap()
                .render(&Record(true), &mut out)
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&out[6..]), expected, "{template}");
        }
    }

    #[test]
    fn a_record_without_the_key_has_no_name() {
        let mut out = b"group\0".to_vec();
        let tag = Tag::parse("a{{.ID}}").unwrap();
        let missing = tag.render(&Record(false), &mut out).unwrap_err();
        assert_eq!((missing.item, out.as_slice()), ("{{.ID}}", &b"group\0"[..]));
    }

    #[test]
    fn fields_that_only_docker_has_are_an_error() {
        for (template, told) in [
            ("{{.ImageName}}", "does not know `{{.ImageName}}`"),
            ("{{.ID", "has no `}}`"),
        ] {
            let problem = Tag::parse(template).unwrap_err();
            assert!(problem.contains(told), "{problem}");
        }
    }
}
