//! Names with variables in them: `/shop/$(ecs_cluster)/$kubernetes['pod'].$TAG[1]`.
//!
//! One text may mix both peers' languages. `$(name)` is the Go plugin's, with
//! the brackets doing what its documentation says at any depth. `$name`, `$TAG`
//! and `$TAG[n]` are the C plugin's; any text may follow an item. A `$` with
//! anything but `(`, a letter or `_` behind it is text, and so is the end of a
//! name in `-`, `/` or `_` when a `$` follows: `$task/$name` is two items.
//!
//! A text is parsed once, into parts that render without allocation. What a
//! peer would print by accident (`$(tag[x])`, `$(pam[item])`) is a problem with
//! a column. `parse` knows the grammar, `clean` what the service accepts.

mod cursor;
mod parse;
mod variable;

use std::fmt;

pub use crate::naming::sanitize::{clean_delivery_stream, clean_group, clean_stream};
pub use crate::naming::strftime::Problem;
pub use variable::Variable;

use crate::naming::strftime::{Format, Zone};

/// A name whose variables have been understood.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Box<[Part]>,
}

impl Template {
    /// Reads a template in either language, or both.
    ///
    /// # Errors
    ///
    /// The first item that cannot be read, with its column.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let parts = parse::parts(text)?.into();
        Ok(Self { parts })
    }

    /// Appends the name for one record, as it is: clean it afterwards.
    ///
    /// An empty result is a success; whether it can be a name is the caller's question.
    ///
    /// # Errors
    ///
    /// The first item without a value. `out` is then as it was, because half a
    /// name is no name: both peers fall back to another one as a whole.
    pub fn render(&self, source: &impl Source, out: &mut Vec<u8>) -> Result<(), Missing<'_>> {
        let before = out.len();
        for part in &self.parts {
            if !part.value.render(source, out) {
                out.truncate(before);
                return Err(Missing { item: &part.text });
            }
        }
        Ok(())
    }

    /// Whether every record gets the same name, even in another process.
    pub fn is_constant(&self) -> bool {
        self.depends_on() == DependsOn::default()
    }

    /// Whether a variable appears, be it as the fallback for a record key.
    pub fn uses(&self, variable: Variable) -> bool {
        self.variables().any(|used| used == variable)
    }

    /// Whether some variable is known from the ECS task metadata only.
    pub fn needs_ecs_metadata(&self) -> bool {
        self.variables().any(Variable::is_ecs_metadata)
    }

    /// What must be equal for two records to get the same name.
    pub fn depends_on(&self) -> DependsOn {
        let values = || self.parts.iter().map(|part| &part.value);
        DependsOn {
            record: values().any(|value| matches!(value, Value::Field { .. })),
            tag: values().any(|value| matches!(value, Value::Tag | Value::TagPart { .. })),
            time: values().any(|value| matches!(value, Value::Time(_))),
            variables: self.variables().next().is_some(),
        }
    }

    fn variables(&self) -> impl Iterator<Item = Variable> {
        self.parts.iter().filter_map(|part| match part.value {
            Value::Field { fallback, .. } => fallback,
            Value::Variable(variable) => Some(variable),
            _ => None,
        })
    }
}

/// Where the values of a template's items come from: one record and its surroundings.
pub trait Source {
    /// The record's tag.
    fn tag(&self) -> &str;

    /// The record's time: seconds since 1970 and nanoseconds of that second.
    fn time(&self) -> (i64, u32);

    /// Appends the scalar that a path leads to, or answers `false` and appends nothing.
    ///
    /// Strings are appended as they are, other scalars as JSON writes them; null,
    /// maps and arrays are no value. The last of several equal keys counts. A
    /// scalar under the first key is the value whatever follows that key: so it
    /// is in both peers, and records differ in shape more often than configurations.
    fn field(&self, path: &[Step], out: &mut Vec<u8>) -> bool;

    /// The value of a variable; an unknown or empty one is missing.
    fn variable(&self, variable: Variable) -> Option<&str>;
}

/// One step into a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// To an element of an array, counted from 0.
    Index(usize),
    /// To the value under a key of a map.
    Key(Box<str>),
}

/// What a template's result varies with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DependsOn {
    /// The content of the record.
    pub record: bool,
    /// The tag, which a chunk's records share.
    pub tag: bool,
    /// The time of the record.
    pub time: bool,
    /// Variables: the same for a chunk, settled once the metadata is known.
    pub variables: bool,
}

impl DependsOn {
    /// Whether the records of one chunk can have different names.
    pub fn varies_within_a_chunk(self) -> bool {
        self.record || self.time
    }
}

/// The item that had no value for a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Missing<'t> {
    /// The item as the template spells it, such as `$(pam['item'])`.
    pub item: &'t str,
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` has no value", self.item)
    }
}

impl std::error::Error for Missing<'_> {}

/// An item or the text between two.
#[derive(Clone, Debug)]
struct Part {
    /// The part as the template spells it.
    text: Box<str>,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Field {
        path: Box<[Step]>,
        fallback: Option<Variable>,
    },
    Literal(Box<str>),
    Tag,
    TagPart {
        index: usize,
        optional: bool,
    },
    Time(Format),
    Variable(Variable),
}

impl Value {
    /// Appends the value; answers whether there was one.
    fn render(&self, source: &impl Source, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Field { path, fallback } => {
                source.field(path, out)
                    || fallback.is_some_and(|variable| append(known(source, variable), out))
            }
            Self::Literal(text) => append(Some(text), out),
            Self::Tag => append(Some(source.tag()), out),
            Self::TagPart { index, optional } => {
                append(source.tag().split('.').nth(*index), out) || *optional
            }
            Self::Time(format) => {
                let (secs, nanos) = source.time();
                format.render(secs, nanos, &Zone::Utc, out);
                true
            }
            Self::Variable(variable) => append(known(source, *variable), out),
        }
    }
}

fn known(source: &impl Source, variable: Variable) -> Option<&str> {
    source.variable(variable).filter(|value| !value.is_empty())
}

fn append(text: Option<&str>, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
    text.is_some()
}

#[cfg(test)]
mod tests;
