//! What the names of a Terraform module stand for: locals, defaults of variables, and values that
//! `terraform.tfvars` gives them.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;

use super::super::{Choice, Kind, Node, Style};
use super::{Reader, body_of};
use crate::source::Source;

/// Names such as `local.a` and `var.b` with what they stand for.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Known>);

/// A value and the file that has it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    node: Node,
    pub(super) file: String,
    origin: Origin,
}

/// What makes a name known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Origin {
    Local,
    Default,
    Given,
}

impl Names {
    /// The names of a file and of those that it is read with; of two the file's own counts, then that
    /// of its folder.
    pub(super) fn of(own: &Source, body: &Body, others: &[Source]) -> Self {
        let parsed: Vec<(&Source, Body)> = others
            .iter()
            .filter_map(|source| Some((source, body_of(&source.text).ok()?)))
            .collect();
        let mut all: Vec<(&Source, &Body)> = vec![(own, body)];
        all.extend(parsed.iter().map(|(source, body)| (*source, body)));
        let mut names = Self::default();
        // A local may name another one, which may come later: some passes know them all.
        for _ in 0..PASSES {
            let mut next = Self::default();
            for (source, body) in &all {
                names.read(source, body, &mut next);
            }
            names = next;
        }
        names
    }

    pub(super) fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name)
    }

    fn read(&self, source: &Source, body: &Body, next: &mut Self) {
        let reader = Reader::new(&source.text, &source.name, self);
        for block in body.get_blocks("locals") {
            for attribute in block.body.attributes() {
                let name = format!("local.{}", attribute.key.as_str());
                next.put(name, &reader, &attribute.value, Origin::Local);
            }
        }
        for block in body.get_blocks("variable") {
            let label = block.labels.first().map(|label| label.as_str());
            let default = block.body.get_attribute("default");
            if let Some((label, default)) = label.zip(default) {
                next.put(
                    format!("var.{label}"),
                    &reader,
                    &default.value,
                    Origin::Default,
                );
            }
        }
        if source.name.ends_with(".tfvars") {
            for attribute in body.attributes() {
                let name = format!("var.{}", attribute.key.as_str());
                next.put(name, &reader, &attribute.value, Origin::Given);
            }
        }
    }

    /// The first value of a name counts, and one that is given counts before a default. A default
    /// that is empty stands for what the caller gives.
    fn put(&mut self, name: String, reader: &Reader<'_>, value: &Expression, origin: Origin) {
        let node = reader.value(value);
        if origin == Origin::Default && node.is_nothing() {
            return;
        }
        let known = self.0.get(&name);
        let is_better = |known: &Known| origin == Origin::Given && known.origin == Origin::Default;
        if known.is_none_or(is_better) {
            let file = reader.file.to_owned();
            self.0.insert(name, Known { node, file, origin });
        }
    }
}

impl Known {
    pub(super) fn is_foreign(&self, file: &str) -> bool {
        self.file != file
    }

    /// The value where a file names it: of another file it has the place of the name, and what is to
    /// be known of it is said.
    pub(super) fn as_read_in(&self, file: &str, name: &str, at: &Range<usize>) -> Node {
        let mut node = self.node.clone();
        let other = self.file.rsplit('/').next().unwrap_or(&self.file);
        let is_foreign = self.is_foreign(file);
        if is_foreign {
            moved(&mut node, at, other);
        }
        let place = match is_foreign {
            true => format!(" in {other}"),
            false => String::new(),
        };
        let text = match self.origin {
            Origin::Local if !is_foreign || !node.is_structure() => return node,
            Origin::Local => {
                format!("`{name}` was read from {other}: make its edits in that file")
            }
            Origin::Default => format!(
                "`{name}` was read as its default{place}: check that no other value is given to it"
            ),
            Origin::Given => format!(
                "`{name}` was read as its value{place}: check that no other value is given to it"
            ),
        };
        node.with(Choice::assumed(at.clone(), text))
    }
}

/// A value of another text, which cannot be edited from here.
fn moved(node: &mut Node, at: &Range<usize>, file: &str) {
    node.at = at.clone();
    node.style = Style::Computed;
    for choice in &mut node.choices {
        choice.at = at.clone();
        if !choice.text.contains(file) {
            choice.text = format!("{} (in {file})", choice.text);
        }
    }
    match &mut node.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| moved(item, at, file)),
        Kind::Map(members) => {
            for member in members {
                // Outside of the mapping's own place, so that no edit is made here.
                member.key_at = 0..0;
                moved(&mut member.value, at, file);
            }
        }
        _ => {}
    }
}

/// How many names may lead from one to the next.
const PASSES: usize = 4;
