//! Functions of HCL: what they give, as far as their arguments are known.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::FuncCall;

use super::super::choice::{has_document, one_line};
use super::super::{Choice, Kind, Member, Node};
use super::{Reader, not_known};

impl Reader<'_> {
    /// What a function gives, as far as its arguments are known.
    pub(super) fn call(&self, call: &FuncCall, at: Range<usize>) -> Node {
        let arguments: Vec<Node> = call
            .args
            .iter()
            .map(|argument| self.value(argument))
            .collect();
        let sources = call.args.iter().map(|argument| argument.span());
        let sources: Vec<&str> = sources
            .map(|span| self.source(&span.unwrap_or_default()))
            .collect();
        let name = call.name.name.as_str();
        let known = match name {
            "jsonencode" | "yamlencode" | "tolist" | "tomap" | "toset" | "compact" | "chomp"
            | "distinct" | "reverse" | "sort" | "trimspace" | "jsondecode" | "yamldecode"
            | "tostring" | "sensitive" | "nonsensitive" => arguments.into_iter().next(),
            "one" => arguments
                .first()
                .and_then(|list| list.items().first())
                .cloned(),
            "values" => arguments.first().and_then(values),
            "flatten" => arguments
                .into_iter()
                .next()
                .and_then(|list| flat(list, &at)),
            "concat" => concat(arguments, &at),
            "merge" => self.merge(arguments, &sources, &at),
            "try" | "coalesce" | "coalescelist" => self.first(name, arguments, &at),
            "lookup" => lookup(&arguments),
            "file" | "templatefile" => arguments
                .first()
                .and_then(Node::text)
                .map(|path| Node::unknown(&format!("file {path}"), at.clone())),
            _ => None,
        };
        known.unwrap_or_else(|| Node::unknown(self.source(&at), at))
    }

    /// The members of all mappings that are known; the last one of a key counts.
    fn merge(&self, maps: Vec<Node>, sources: &[&str], at: &Range<usize>) -> Option<Node> {
        let mut merged = Node::new(Kind::Null, at.clone());
        let (mut members, mut unknown) = (Vec::<Member>::new(), Vec::new());
        let mut is_known = false;
        for (map, source) in maps.into_iter().zip(sources) {
            merged.choices.extend(map.choices);
            match map.kind {
                Kind::Map(all) => {
                    is_known = true;
                    for member in all {
                        members.retain(|other| other.key != member.key);
                        members.push(member);
                    }
                }
                Kind::Null => {}
                _ => unknown.push(*source),
            }
        }
        merged.kind = Kind::Map(members);
        if !unknown.is_empty() {
            let said = not_known(self.source(at), &unknown, at);
            merged = merged.with(said);
        }
        is_known.then_some(merged)
    }

    /// The first argument that has a value, as far as those before it are known.
    fn first(&self, name: &str, arguments: Vec<Node>, at: &Range<usize>) -> Option<Node> {
        let is_first_known = arguments.first().is_some_and(|first| !first.is_unknown());
        let found = arguments
            .into_iter()
            .find(|node| has_document(node) && !node.is_nothing())?;
        if is_first_known {
            return Some(found);
        }
        let source = one_line(self.source(at));
        Some(found.with(Choice::partial(
            at.clone(),
            format!(
                "of `{source}` the first argument that is known was read: check whether `{name}` gives an earlier one"
            ),
        )))
    }
}

/// The items of all lists that are known, and a text for each that is not.
fn concat(lists: Vec<Node>, at: &Range<usize>) -> Option<Node> {
    let is_known = lists.iter().any(|list| matches!(list.kind, Kind::List(_)));
    let mut all = Node::new(Kind::Null, at.clone());
    let mut items = Vec::new();
    for mut list in lists {
        all.choices.append(&mut list.choices);
        match list.kind {
            Kind::List(inner) => items.extend(inner),
            Kind::Null => {}
            _ => items.push(list),
        }
    }
    all.kind = Kind::List(items);
    is_known.then_some(all)
}

fn flat(list: Node, at: &Range<usize>) -> Option<Node> {
    let Kind::List(items) = list.kind else {
        return None;
    };
    let mut all = Node::new(Kind::Null, at.clone());
    all.choices = list.choices;
    let mut flattened = Vec::new();
    for mut item in items {
        match item.kind {
            Kind::List(_) => {
                all.choices.append(&mut item.choices);
                flattened.extend(flat(item, at)?.items().to_vec());
            }
            Kind::Null => {}
            _ => flattened.push(item),
        }
    }
    all.kind = Kind::List(flattened);
    Some(all)
}

fn values(map: &Node) -> Option<Node> {
    let Kind::Map(members) = &map.kind else {
        return None;
    };
    let items = members.iter().map(|member| member.value.clone());
    let mut list = Node::new(Kind::List(items.collect()), map.at.clone());
    list.choices = map.choices.clone();
    Some(list)
}

/// `lookup(map, key, default)`, where map and key are known.
fn lookup(arguments: &[Node]) -> Option<Node> {
    let [map, key, rest @ ..] = arguments else {
        return None;
    };
    let key = key.text().filter(|key| !key.contains("${"))?;
    let Kind::Map(members) = &map.kind else {
        return None;
    };
    let found = members.iter().find(|member| member.key == key);
    found.map(|member| &member.value).or(rest.first()).cloned()
}
