//! YAML, with CloudFormation's short forms of its functions as tags.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{DEEPEST, Kind, Member, Node, Style};
use crate::functions;

/// Reads the documents of a text.
///
/// # Errors
///
/// Where it is no YAML, and why.
pub fn parse(text: &str) -> Result<Vec<Node>, String> {
    let offsets = Offsets::of(text);
    let mut builder = Builder {
        text,
        offsets,
        open: Vec::new(),
        anchors: Vec::new(),
        documents: Vec::new(),
        copied: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("no YAML: {error}"))?;
        let at = builder.offsets.byte(span.start.index())..builder.offsets.byte(span.end.index());
        builder.event(event, at)?;
    }
    Ok(builder.documents)
}

/// From characters, in which the parser counts, to bytes.
struct Offsets(Option<Vec<usize>>, usize);

impl Offsets {
    fn of(text: &str) -> Self {
        let all = || text.char_indices().map(|(at, _)| at).collect();
        Self((!text.is_ascii()).then(all), text.len())
    }

    fn byte(&self, character: usize) -> usize {
        match &self.0 {
            Some(all) => all.get(character).copied().unwrap_or(self.1),
            None => character.min(self.1),
        }
    }
}

struct Builder<'t> {
    text: &'t str,
    offsets: Offsets,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    documents: Vec<Node>,
    /// Nodes that aliases have copied.
    copied: usize,
}

struct Open {
    kind: Within,
    start: usize,
    tag: Option<String>,
    anchor: usize,
}

enum Within {
    Map(Vec<Member>, Option<(String, Range<usize>)>),
    List(Vec<Node>),
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, at: Range<usize>) -> Result<(), String> {
        match event {
            Event::MappingStart(anchor, tag) => {
                self.begin(Within::Map(Vec::new(), None), at, tag, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Within::List(Vec::new()), at, tag, anchor)
            }
            Event::MappingEnd | Event::SequenceEnd => self.end(at),
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag, at);
                self.done(node, anchor);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        kind: Within,
        at: Range<usize>,
        tag: Option<std::borrow::Cow<'_, Tag>>,
        anchor: usize,
    ) -> Result<(), String> {
        if self.open.len() > DEEPEST {
            return Err("it is too deep".to_owned());
        }
        self.open.push(Open {
            kind,
            start: at.start,
            tag: tag.and_then(|tag| function(&tag)),
            anchor,
        });
        Ok(())
    }

    fn end(&mut self, at: Range<usize>) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Err("it ends what it has not begun".to_owned());
        };
        let (kind, last) = match open.kind {
            Within::Map(members, _) => {
                let last = members.last().map(|member| member.value.at.end);
                (Kind::Map(members), last)
            }
            Within::List(items) => {
                let last = items.last().map(|item| item.at.end);
                (Kind::List(items), last)
            }
        };
        let is_flow = at.end > at.start && self.text[at.clone()].ends_with(['}', ']']);
        let end = if is_flow {
            at.end
        } else {
            last.unwrap_or(at.end)
        };
        let node = Node::new(kind, open.start..end.max(open.start));
        let node = match open.tag {
            Some(name) => functions::applied(&name, node),
            None => functions::resolved(node),
        };
        self.done(node, open.anchor);
        Ok(())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<std::borrow::Cow<'_, Tag>>,
        at: Range<usize>,
    ) -> Node {
        let kind = match style {
            ScalarStyle::Plain => plain(text),
            _ => Kind::Text(text.to_owned()),
        };
        let at = match style {
            // The parser's place reaches to the next key.
            ScalarStyle::Literal | ScalarStyle::Folded => self.trimmed(at),
            _ => at,
        };
        let mut node = Node::new(kind, at);
        node.style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal if !text.starts_with('\n') => Style::Block,
            ScalarStyle::Literal => Style::Computed,
            ScalarStyle::Folded => Style::Computed,
        };
        match tag.and_then(|tag| function(&tag)) {
            Some(name) => functions::applied(&name, node),
            None => node,
        }
    }

    fn trimmed(&self, at: Range<usize>) -> Range<usize> {
        let text = self.text.get(at.clone()).unwrap_or_default();
        at.start..at.start + text.trim_end().len()
    }

    /// An alias has its anchor's value, up to a bound: nested aliases multiply.
    fn alias(&mut self, anchor: usize, at: Range<usize>) -> Result<(), String> {
        let found = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
        let mut node = found.map_or(Node::new(Kind::Null, at.clone()), |(_, node)| node.clone());
        self.copied += size(&node);
        if self.copied > MOST_COPIED {
            return Err("its aliases make it too large".to_owned());
        }
        node.style = Style::Computed;
        self.done(node, 0);
        Ok(())
    }

    fn done(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.documents.push(node),
            Some(Within::List(items)) => items.push(node),
            Some(Within::Map(members, key)) => match key.take() {
                None => *key = Some((node.text().unwrap_or_default(), node.at)),
                Some((name, _)) if name == "<<" => merge(members, node),
                Some((name, key_at)) => members.push(Member {
                    key: name,
                    key_at,
                    value: node,
                }),
            },
        }
    }
}

/// `<<`: the members of another mapping, or of several, that are not there yet.
fn merge(members: &mut Vec<Member>, node: Node) {
    let all = match node.kind {
        Kind::Map(others) => others,
        Kind::List(items) => items
            .into_iter()
            .flat_map(|item| item.members().to_vec())
            .collect(),
        _ => Vec::new(),
    };
    for member in all {
        if !members.iter().any(|own| own.key == member.key) {
            members.push(member);
        }
    }
}

fn size(node: &Node) -> usize {
    let members = node.members().iter().map(|member| size(&member.value));
    1 + members.chain(node.items().iter().map(size)).sum::<usize>()
}

/// The function of CloudFormation that a tag is.
fn function(tag: &Tag) -> Option<String> {
    (tag.handle == "!" && !tag.suffix.is_empty()).then(|| tag.suffix.clone())
}

fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if text.parse::<f64>().is_ok()
            && text.bytes().all(|b| b"0123456789.-+eE".contains(&b)) =>
        {
            Kind::Number(text.to_owned())
        }
        _ => Kind::Text(text.to_owned()),
    }
}

const MOST_COPIED: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bytes_also_behind_other_letters() {
        let text = "é: ü\nb:\n  - 'x'\n  - {c: 1, d: \"e\"}\n";
        let node = &parse(text).unwrap()[0];
        assert_eq!(&text[node.members()[0].value.at.clone()], "ü");
        let list = node.get("b").unwrap();
        assert_eq!(&text[list.items()[0].at.clone()], "'x'");
        assert_eq!(&text[list.items()[1].at.clone()], "{c: 1, d: \"e\"}");
        assert_eq!(&text[list.at.clone()], "- 'x'\n  - {c: 1, d: \"e\"}");
        let text = "a: !Join ['', [b, !Ref C]]\nd: 1\n";
        let node = &parse(text).unwrap()[0];
        let end = node.members()[0].value.at.end;
        assert_eq!(&text[end..], "\nd: 1\n");
    }

    #[test]
    fn a_block_is_found_whole() {
        let text = "a:\n  b: |\n    one\n      two\n\n    three\n  c: d\n";
        let node = &parse(text).unwrap()[0];
        let block = node.get("a").unwrap().get("b").unwrap();
        assert_eq!(block.text().as_deref(), Some("one\n  two\n\nthree\n"));
        assert_eq!(block.style, Style::Block);
        assert_eq!(&text[block.at.clone()], "one\n      two\n\n    three");
    }

    #[test]
    fn depth_and_aliases_have_bounds() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..9 {
            let (before, ten) = (i - 1, "*aB, ".replace('B', &(i - 1).to_string()).repeat(10));
            text.push_str(&format!("a{i}: &a{i} [{ten}*a{before}]\n"));
        }
        assert!(parse(&text).unwrap_err().contains("too large"));
    }
}
