//! A document as a tree whose nodes know where they are in the text.
//!
//! JSON, YAML and HCL come here in one form, so that what is looked for is looked for once. A value
//! that a document computes (`!Ref`, a variable) is a text in the form `${NAME}`, which is also how
//! Fluent Bit writes a variable of its environment: both are unknown here.

pub mod choice;
pub mod hcl;
pub mod json;
pub mod yaml;

use std::ops::Range;

pub use self::choice::Choice;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text.
    pub at: Range<usize>,
    /// How a text is written.
    pub style: Style,
    /// What was decided where the document leaves a choice.
    pub choices: Vec<Choice>,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Absent, although the key is there.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text, with `${NAME}` for what is not known.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in its order.
    Map(Vec<Member>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// The key's bytes in the text.
    pub key_at: Range<usize>,
    /// The value.
    pub value: Node,
}

/// How a text is written in its document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// Without quotes, or not a text.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// YAML's literal block, or HCL's heredoc: lines behind an indentation.
    Block,
    /// In a form whose text is not found again in the document.
    Computed,
}

/// The language of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// HCL, the language of Terraform.
    Hcl,
    /// Fluent Bit's classic sections.
    Classic,
}

impl Node {
    /// A node of a kind at a place.
    #[must_use]
    pub fn new(kind: Kind, at: Range<usize>) -> Self {
        Self {
            kind,
            at,
            style: Style::Plain,
            choices: Vec::new(),
        }
    }

    /// A value that the document computes.
    #[must_use]
    pub fn unknown(name: &str, at: Range<usize>) -> Self {
        Self {
            kind: Kind::Text(format!("${{{name}}}")),
            at,
            style: Style::Computed,
            choices: Vec::new(),
        }
    }

    /// With one more decision.
    #[must_use]
    pub fn with(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    /// The members of a mapping; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a sequence; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key, whatever the words' case and joints: `LogDriver`, `logDriver` and
    /// `log_driver` are one. `null` is absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.member(key).map(|member| &member.value)
    }

    /// The member of a key, as [`Node::get`] finds it.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Member> {
        let mut members = self.members().iter();
        let is_it = |member: &&Member| is_one_word(&member.key, key);
        members
            .find(is_it)
            .filter(|member| member.value.kind != Kind::Null)
    }

    /// A scalar as text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The text of a key's scalar.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<String> {
        self.get(key)?.text()
    }

    /// A text that the document has not computed.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(&self.kind, Kind::Text(text) if text.contains("${"))
    }

    /// A text that stands for a whole value that is not known.
    #[must_use]
    pub fn unknown_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => text.strip_prefix("${")?.strip_suffix('}'),
            _ => None,
        }
    }

    /// Whether there is nothing in it: `null`, an empty text, list or mapping.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match &self.kind {
            Kind::Null => true,
            Kind::Text(text) => text.trim().is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(members) => members.is_empty(),
            _ => false,
        }
    }

    /// Its own choices, and those of all that is in it.
    pub fn all_choices(&self, all: &mut Vec<Choice>) {
        all.extend(self.choices.iter().cloned());
        for item in self.items() {
            item.all_choices(all);
        }
        for member in self.members() {
            member.value.all_choices(all);
        }
    }

    /// Whether it has members or items.
    #[must_use]
    pub fn is_structure(&self) -> bool {
        matches!(self.kind, Kind::List(_) | Kind::Map(_))
    }
}

/// Whether two keys are one word in two habits of writing.
fn is_one_word(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        let bytes = text.bytes().filter(|byte| *byte != b'_');
        bytes
            .map(|byte| byte.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    letters(one) == letters(other)
}

/// The number of the line that has a byte.
#[must_use]
pub fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// How deep a document may be; what people write is about ten deep.
pub const DEEPEST: usize = 100;
