//! Record -> log group and log stream.
//!
//! Each of the two names has candidates, tried in order for each record: the C plugin's template
//! option, the Go plugin's, and at last a name that always works. What is found is made fit for the
//! service, on every path.

mod fallback_name;

use std::collections::HashMap;

use crate::cloudwatch::entity::Entities;
use crate::cloudwatch::route::fallback_name::Last;
use crate::naming::template::{self, Missing, Source, Template};
use crate::naming::variables::{Surroundings, Variables};
use crate::options::Reader;
use crate::record::chunk_reader::Record;

/// How a record's group and stream are named.
#[derive(Debug)]
pub struct Route {
    group: Name,
    stream: Name,
}

/// Candidates for one name.
#[derive(Debug)]
struct Name {
    templates: Vec<Template>,
    last: Last,
    clean: fn(&mut Vec<u8>, usize),
}

impl Route {
    /// Reads the options that name groups and streams.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        reader.required("log_group_name");
        let group = Name {
            templates: templates(reader, ["log_group_template", "log_group_name"]),
            last: Last::Text(reader.text("default_log_group_name").unwrap_or_default()),
            clean: template::clean_group,
        };
        let stream = Name {
            templates: templates(reader, ["log_stream_template", "log_stream_name"]),
            last: Last::stream(reader),
            clean: template::clean_stream,
        };
        Self { group, stream }
    }

    /// Whether a name has a variable that only the ECS metadata knows.
    #[must_use]
    pub fn needs_ecs_metadata(&self) -> bool {
        self.templates().any(Template::needs_ecs_metadata)
    }

    fn varies_within_a_chunk(&self) -> bool {
        let by_record = matches!(self.stream.last, Last::Docker { .. });
        by_record
            || self
                .templates()
                .any(|template| template.depends_on().varies_within_a_chunk())
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.group.templates.iter().chain(&self.stream.templates)
    }
}

/// The templates that are set, in the order they are tried.
fn templates(reader: &Reader<'_>, keys: [&'static str; 2]) -> Vec<Template> {
    let parse = |key| {
        let text = reader.text(key)?;
        Template::parse(&text)
            .inspect_err(|problem| reader.problem(format_args!("`{key}` is `{text}`: {problem}")))
            .ok()
    };
    keys.into_iter().filter_map(parse).collect()
}

impl Name {
    /// Appends the name; says which item had no value when a candidate was passed over.
    fn render<'n>(&'n self, source: &impl Source, out: &mut Vec<u8>) -> Option<Missing<'n>> {
        let start = out.len();
        let mut missing = None;
        for template in &self.templates {
            match template.render(source, out) {
                Ok(()) if out.len() > start => {
                    (self.clean)(out, start);
                    return missing;
                }
                Ok(()) => {}
                Err(item) => missing = missing.or(Some(item)),
            }
        }
        let lacking = self.last.render(source, out);
        (self.clean)(out, start);
        missing.or(lacking)
    }
}

/// A group and a stream.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LogStreamId {
    /// The log group's name.
    pub group: String,
    /// The log stream's name.
    pub stream: String,
}

/// The targets of one chunk's records, numbered as they are met. A number stands for one target only;
/// a target that was forgotten and is met again has a new one.
pub struct LogStreams<'c> {
    route: &'c Route,
    variables: Variables<'c>,
    tag: &'c str,
    varies: bool,
    numbers: HashMap<Box<[u8]>, usize>,
    targets: Vec<LogStreamId>,
    first: usize,
    bytes: usize,
    entities: Option<&'c Entities>,
    entity: Vec<Box<[u8]>>,
    last: Option<(Vec<u8>, usize)>,
    name: Vec<u8>,
    fallbacks: Fallbacks,
}

/// How many records went to another name than the first candidate's.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fallbacks {
    /// Of the log group.
    pub group: Fallback,
    /// Of the log stream.
    pub stream: Fallback,
}

/// How often one name was replaced by the next candidate.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fallback {
    /// Records.
    pub count: usize,
    /// What the first of them lacked.
    pub missing: String,
}

impl Fallback {
    fn note(&mut self, missing: Option<Missing<'_>>) {
        let Some(missing) = missing else { return };
        if self.count == 0 {
            self.missing = missing.to_string();
        }
        self.count += 1;
    }
}

impl<'c> LogStreams<'c> {
    /// Begins a chunk.
    #[must_use]
    pub fn new(
        route: &'c Route,
        entities: Option<&'c Entities>,
        variables: Variables<'c>,
        tag: &'c str,
    ) -> Self {
        Self {
            route,
            entities,
            entity: Vec::new(),
            variables,
            tag,
            varies: route.varies_within_a_chunk()
                || entities.is_some()
                || (route.needs_ecs_metadata() && !variables.knows_the_task()),
            numbers: HashMap::new(),
            targets: Vec::new(),
            first: 0,
            bytes: 0,
            last: None,
            name: Vec::new(),
            fallbacks: Fallbacks::default(),
        }
    }

    /// The number of a record's target; the next free one is a new target.
    #[inline]
    pub fn number(&mut self, record: &Record<'_, '_>) -> usize {
        match self.last {
            Some((_, number)) if !self.varies => number,
            _ => self.render(record),
        }
    }

    /// A target that is not forgotten, by its number.
    #[must_use]
    pub fn target(&self, number: usize) -> &LogStreamId {
        &self.targets[number - self.first]
    }

    /// The entity of a target's records as JSON; empty for none.
    #[must_use]
    pub fn entity(&self, number: usize) -> &[u8] {
        &self.entity[number - self.first]
    }

    /// The number of the first target that is not forgotten.
    #[must_use]
    pub fn first(&self) -> usize {
        self.first
    }

    /// Bytes of the names and entities that are not forgotten.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all targets.
    pub fn forget(&mut self) {
        self.first += self.targets.len();
        self.bytes = 0;
        self.targets.clear();
        self.entity.clear();
        self.numbers.clear();
        self.last = None;
    }

    /// What was missing for names so far.
    #[must_use]
    pub fn fallbacks(&self) -> Fallbacks {
        self.fallbacks.clone()
    }

    fn render(&mut self, record: &Record<'_, '_>) -> usize {
        let source = Surroundings {
            record,
            tag: self.tag,
            variables: self.variables,
        };
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        self.fallbacks
            .group
            .note(self.route.group.render(&source, &mut name));
        let group = name.len();
        // Neither name has such a byte, so that no two targets share a key.
        name.push(0);
        self.fallbacks
            .stream
            .note(self.route.stream.render(&source, &mut name));
        let stream = name.len();
        name.push(0);
        if let Some(entities) = self.entities {
            entities.append(record, &mut name);
        }
        self.intern(name, group, stream)
    }

    fn intern(&mut self, name: Vec<u8>, group: usize, stream: usize) -> usize {
        if let Some((last, number)) = &self.last
            && *last == name
        {
            self.name = name;
            return *number;
        }
        let number = match self.numbers.get(name.as_slice()) {
            Some(number) => *number,
            None => self.place_of(&name, group, stream),
        };
        let before = self.last.replace((name, number));
        self.name = before.map(|(name, _)| name).unwrap_or_default();
        number
    }

    fn place_of(&mut self, name: &[u8], group: usize, stream: usize) -> usize {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let number = self.first + self.targets.len();
        self.bytes += name.len();
        self.targets.push(LogStreamId {
            group: text(&name[..group]),
            stream: text(&name[group + 1..stream]),
        });
        self.entity.push(name[stream + 1..].into());
        self.numbers.insert(name.into(), number);
        number
    }
}
