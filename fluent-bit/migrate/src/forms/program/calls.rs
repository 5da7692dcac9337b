//! The literal options in a call that gives a container its log driver.

use std::ops::Range;

use super::shape::{self, IN_TEXT};
use crate::tree::choice::one_line;
use crate::tree::{Choice, Kind, Member, Node, Style};

/// A program's text, in which calls are looked for.
pub(super) struct Calls<'t> {
    text: &'t str,
    shape: Vec<u8>,
}

/// The options of one call.
#[derive(Default)]
pub(super) struct Literal {
    /// Those that are literal.
    pub(super) node: Option<Node>,
    /// What of them was not read.
    pub(super) choices: Vec<Choice>,
}

impl<'t> Calls<'t> {
    pub(super) fn of(text: &'t str, is_python: bool) -> Self {
        Self {
            text,
            shape: shape::of(text, is_python),
        }
    }

    /// Whether a place is in no comment and no text.
    pub(super) fn is_code(&self, at: usize) -> bool {
        self.shape[at] == self.text.as_bytes()[at] && self.shape[at] != IN_TEXT
    }

    /// The options in the arguments that begin at a place.
    pub(super) fn options(&self, from: usize, driver: &str) -> Literal {
        let Some(end) = self.closing(from) else {
            return self.not_literal(from..from);
        };
        let arguments = self.trimmed(from..end);
        if arguments.is_empty() {
            return Literal::default();
        }
        let inside = self.braces(&arguments).unwrap_or(arguments.clone());
        if driver == "awslogs" {
            let is_mapping = inside != arguments || self.has_joint(&inside);
            return match is_mapping {
                true => self.mapping(inside, arguments),
                false => self.expression(arguments),
            };
        }
        let mut lacking = None;
        for field in self.fields(&inside) {
            match self.pair(&field) {
                Some(member) if member.key == "options" => {
                    return self.expression(self.trimmed(member.value.at));
                }
                Some(_) => {}
                None => lacking = Some(field),
            }
        }
        match lacking {
            Some(field) => self.not_literal(field),
            None => Literal::default(),
        }
    }

    /// A value that should be a mapping.
    fn expression(&self, at: Range<usize>) -> Literal {
        if let Some(inside) = self.braces(&at) {
            return self.mapping(inside, at);
        }
        let call = "dict(";
        if self.text[at.clone()].starts_with(call)
            && self.closing(at.start + call.len()) == Some(at.end - 1)
        {
            return self.mapping(at.start + call.len()..at.end - 1, at);
        }
        let open = self.shape[at.clone()].iter().position(|byte| *byte == b'{');
        let Some(open) = open.map(|open| at.start + open) else {
            return self.not_literal(at);
        };
        let end = self.closing(open + 1).unwrap_or(at.end);
        let mut literal = self.mapping(open + 1..end, open..(end + 1).min(at.end));
        literal.choices.push(Choice::partial(
            at.clone(),
            format!(
                "of `{}` the first literal options were read: check the others by hand, or give the template that `cdk synth` writes",
                one_line(&self.text[at])
            ),
        ));
        literal
    }

    fn not_literal(&self, at: Range<usize>) -> Literal {
        Literal {
            node: None,
            choices: vec![self.elsewhere(at)],
        }
    }

    fn elsewhere(&self, at: Range<usize>) -> Choice {
        let text = format!(
            "options come from `{}`, which is not literal, and were not read: give the template that `cdk synth` writes",
            one_line(&self.text[at.clone()])
        );
        Choice::partial(at, text)
    }

    /// The pairs of a mapping, and what is in it besides.
    fn mapping(&self, inside: Range<usize>, whole: Range<usize>) -> Literal {
        let (mut members, mut choices) = (Vec::new(), Vec::new());
        for field in self.fields(&inside) {
            match self.pair(&field) {
                Some(member) => members.push(member),
                None => choices.push(self.elsewhere(field)),
            }
        }
        Literal {
            node: Some(Node::new(Kind::Map(members), whole)),
            choices,
        }
    }

    /// What is between the braces of a value that is nothing but them.
    fn braces(&self, at: &Range<usize>) -> Option<Range<usize>> {
        let begins = self.shape.get(at.start) == Some(&b'{');
        let inside = at.start + 1..at.end.checked_sub(1)?;
        (begins && self.closing(at.start + 1) == Some(inside.end)).then_some(inside)
    }

    fn has_joint(&self, at: &Range<usize>) -> bool {
        self.fields(at)
            .iter()
            .all(|field| self.pair(field).is_some())
    }

    /// `key: value` or `key=value`.
    fn pair(&self, field: &Range<usize>) -> Option<Member> {
        let part = &self.shape[field.clone()];
        let joint = field.start + part.iter().position(|byte| b":=".contains(byte))?;
        let (key_at, value_at) = (
            self.trimmed(field.start..joint),
            self.trimmed(joint + 1..field.end),
        );
        let key = self.text.get(key_at.clone())?;
        let key = key.trim_matches(['"', '\'']).to_owned();
        let is_key =
            !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "[(.*?".contains(c));
        let value = self.value(value_at);
        is_key.then_some(Member { key, key_at, value })
    }

    fn value(&self, at: Range<usize>) -> Node {
        let value = &self.text[at.clone()];
        let quote = value.chars().next().filter(|c| "\"'`".contains(*c));
        let is_literal = quote.is_some_and(|quote| {
            value.len() >= 2 && value.ends_with(quote) && value.matches(quote).count() == 2
        });
        if is_literal {
            let text = value[1..value.len() - 1].to_owned();
            let mut node = Node::new(Kind::Text(text), at);
            node.style = Style::Double;
            return node;
        }
        let words: Vec<&str> = value.split_whitespace().collect();
        Node::unknown(&words.join(" "), at)
    }

    /// The parts between commas, without those that are empty.
    fn fields(&self, at: &Range<usize>) -> Vec<Range<usize>> {
        let mut fields = Vec::new();
        let (mut begin, mut depth) = (at.start, 0usize);
        for place in at.clone() {
            match self.shape[place] {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    fields.push(self.trimmed(begin..place));
                    begin = place + 1;
                }
                _ => {}
            }
        }
        fields.push(self.trimmed(begin..at.end));
        fields.retain(|field| !field.is_empty());
        fields
    }

    /// The place of the bracket that closes what is open at a place.
    fn closing(&self, from: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (offset, byte) in self.shape.get(from..)?.iter().enumerate() {
            match byte {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' if depth == 0 => return Some(from + offset),
                b')' | b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// A place without the white space and the comments at its ends.
    fn trimmed(&self, at: Range<usize>) -> Range<usize> {
        let part = &self.shape[at.clone()];
        let Some(first) = part.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return at.start..at.start;
        };
        let last = part.iter().rposition(|byte| !byte.is_ascii_whitespace());
        at.start + first..at.start + last.unwrap_or(first) + 1
    }
}
