//! Record -> delivery stream.
//!
//! A name without variables is sent as it is written. One with variables is made for each record and
//! made fit for the service; a record without a value for one goes to a default that always works.

use std::collections::HashMap;

use crate::naming::template::{Template, clean_delivery_stream};
use crate::naming::variables::{Surroundings, Variables};
use crate::options::Reader;
use crate::record::chunk_reader::Record;

/// How a record's delivery stream is named.
#[derive(Debug)]
pub enum Route {
    /// All records go to this one.
    Fixed(String),
    /// A name with variables.
    Varying {
        /// The name.
        template: Template,
        /// Where records go for which the template has no value.
        default: String,
    },
}

impl Route {
    /// Reads the options that name delivery streams.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Self {
        let text = reader.required("delivery_stream");
        let default = reader.text("default_delivery_stream");
        if let Some(name) = &default {
            check(reader, "default_delivery_stream", name);
        }
        let template = Template::parse(&text).map_err(|problem| {
            reader.problem(format_args!("`delivery_stream` is `{text}`: {problem}"));
        });
        match template {
            Ok(template) if !template.is_constant() => {
                if default.is_none() {
                    reader.problem(NO_DEFAULT);
                }
                let default = default.unwrap_or_default();
                Self::Varying { template, default }
            }
            _ => {
                check(reader, "delivery_stream", &text);
                Self::Fixed(text)
            }
        }
    }

    /// Whether the name has a variable that only the ECS metadata knows.
    #[must_use]
    pub fn needs_ecs_metadata(&self) -> bool {
        matches!(self, Self::Varying { template, .. } if template.needs_ecs_metadata())
    }
}

/// A name within what the service takes: `[a-zA-Z0-9_.-]{1,64}`.
fn check(reader: &Reader<'_>, key: &str, name: &str) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() > 64 || !name.chars().all(allowed) {
        reader.problem(format_args!(
            "`{key}` is `{name}`: it must be 1 to 64 letters, digits, `_`, `.` or `-`"
        ));
    }
}

/// The delivery streams of one chunk's records, numbered as they are met. A number stands for one
/// delivery stream only; one that was forgotten and is met again has a new one.
#[derive(Debug)]
pub struct Streams<'c> {
    route: &'c Route,
    variables: Variables<'c>,
    tag: &'c str,
    varies: bool,
    numbers: HashMap<String, usize>,
    names: Vec<String>,
    first: usize,
    name: Vec<u8>,
    last: Option<usize>,
    fallbacks: usize,
    missing: Option<String>,
}

impl<'c> Streams<'c> {
    /// Begins a chunk.
    #[must_use]
    pub fn new(route: &'c Route, variables: Variables<'c>, tag: &'c str) -> Self {
        let unknown = route.needs_ecs_metadata() && !variables.knows_the_task();
        let varies = matches!(route, Route::Varying { template, .. }
            if unknown || template.depends_on().varies_within_a_chunk());
        Self {
            route,
            variables,
            tag,
            varies,
            numbers: HashMap::new(),
            names: Vec::new(),
            first: 0,
            name: Vec::new(),
            last: None,
            fallbacks: 0,
            missing: None,
        }
    }

    /// The number of a record's delivery stream; the next free one is a new delivery stream.
    #[inline]
    pub fn number(&mut self, record: &Record<'_, '_>) -> usize {
        match self.last {
            Some(number) if !self.varies => number,
            _ => self.render(record),
        }
    }

    /// A delivery stream's name by its number.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        &self.names[number - self.first]
    }

    /// The number of the first delivery stream that is not forgotten.
    #[must_use]
    pub fn first(&self) -> usize {
        self.first
    }

    /// Forgets all delivery streams.
    pub fn forget(&mut self) {
        self.first += self.names.len();
        self.names.clear();
        self.numbers.clear();
        self.last = None;
    }

    /// How often the default was taken, and one item that was missing.
    #[must_use]
    pub fn fallbacks(&self) -> (usize, Option<&str>) {
        (self.fallbacks, self.missing.as_deref())
    }

    /// All names, by number.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.names
    }

    fn render(&mut self, record: &Record<'_, '_>) -> usize {
        self.name.clear();
        match self.route {
            Route::Fixed(name) => self.name.extend_from_slice(name.as_bytes()),
            Route::Varying { template, default } => {
                let (tag, variables) = (self.tag, self.variables);
                let source = Surroundings {
                    record,
                    tag,
                    variables,
                };
                let missing = template.render(&source, &mut self.name).err();
                clean_delivery_stream(&mut self.name, 0);
                if self.name.is_empty() {
                    self.name.extend_from_slice(default.as_bytes());
                    self.fallbacks += 1;
                    let why = || missing.map_or("it is empty".to_owned(), |item| item.to_string());
                    self.missing.get_or_insert_with(why);
                }
            }
        }
        self.intern()
    }

    fn intern(&mut self) -> usize {
        if let Some(number) = self.last
            && self.names[number - self.first].as_bytes() == self.name
        {
            return number;
        }
        // Cleaned and checked names are ASCII.
        let name = String::from_utf8_lossy(&self.name);
        let known = self.numbers.get(&*name).copied();
        let number = known.unwrap_or_else(|| {
            let next = self.first + self.names.len();
            self.numbers.insert(name.to_string(), next);
            self.names.push(name.into_owned());
            next
        });
        self.last = Some(number);
        number
    }
}

const NO_DEFAULT: &str = "`delivery_stream` has variables, which may have no value for a record: `default_delivery_stream` must say where such records go";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::firehose::options::OPTIONS;
    use crate::naming::variables::Fixed;
    use crate::record::chunk_reader::Records;

    fn route(stream: &str, default: Option<&str>) -> (Route, Vec<String>) {
        let reader = Reader::new(OPTIONS, |key| match key {
            "delivery_stream" => Some(stream.to_owned()),
            "default_delivery_stream" => default.map(str::to_owned),
            _ => None,
        });
        (Route::read(&reader), reader.problems())
    }

    fn names(stream: &str, records: &[Value]) -> (Vec<String>, Vec<usize>, usize) {
        let (route, problems) = route(stream, Some("rest"));
        assert!(problems.is_empty(), "{problems:?}");
        let chunk: Vec<u8> = records
            .iter()
            .flat_map(|record| rmp_serde::to_vec(&json!([1, record])).unwrap())
            .collect();
        let fixed = Fixed {
            region: "eu-west-1".into(),
            uuid: "u".into(),
        };
        let mut streams = Streams::new(&route, Variables::new(&fixed, None, "a.b"), "a.b");
        let mut records = Records::new(&chunk);
        let mut numbers = Vec::new();
        while let Some(record) = records.next() {
            numbers.push(streams.number(&record));
        }
        let fallbacks = streams.fallbacks().0;
        (streams.into_names(), numbers, fallbacks)
    }

    #[test]
    fn a_name_without_variables_stays_exactly_as_it_is() {
        let (names, numbers, fallbacks) = names("Orders_2.x-y", &[json!({}), json!({})]);
        assert_eq!(
            (names, numbers, fallbacks),
            (vec!["Orders_2.x-y".into()], vec![0, 0], 0)
        );
    }

    #[test]
    fn a_name_is_made_for_each_record_and_made_fit_for_the_service() {
        let records = [
            json!({"app": "web/1"}),
            json!({}),
            json!({"app": ""}),
            json!({"app": "web/1"}),
        ];
        let (found, numbers, fallbacks) = names("$(app)", &records);
        assert_eq!(found, ["web.1", "rest"]);
        assert_eq!((numbers, fallbacks), (vec![0, 1, 1, 0], 2));
        assert_eq!(
            names("$(tag[1])-$(aws_region)", &records).0,
            ["b-eu-west-1"]
        );
    }

    #[test]
    fn what_no_delivery_stream_can_be_named_is_a_problem() {
        for (stream, default, problem) in [
            ("a/b", None, "1 to 64 letters"),
            ("$(app)", None, "`default_delivery_stream` must say"),
            ("$(app)", Some("a b"), "1 to 64 letters"),
            ("$(app", Some("rest"), "no closing"),
        ] {
            let (_, problems) = route(stream, default);
            assert!(
                problems.iter().any(|found| found.contains(problem)),
                "{stream}: {problems:?}"
            );
        }
    }
}
