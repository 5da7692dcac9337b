//! `[for x in list : value]` and `{for k, v in map : key => value}`.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::ForExpr;

use super::super::choice::one_line;
use super::super::{Choice, Kind, Member, Node};
use super::Reader;

impl Reader<'_> {
    /// The items of a collection that is known, each with its value; else one of an unknown item.
    pub(super) fn each(&self, each: &ForExpr, at: Range<usize>) -> Node {
        let collection = self.value(&each.intro.collection_expr);
        let pairs = pairs(&collection).filter(|pairs| self.takes(pairs.len()));
        let is_known = pairs.is_some();
        let key_name = each.intro.key_var.as_ref().map(|name| name.as_str());
        let value_name = each.intro.value_var.as_str();
        let unknown = |name: &str| Node::unknown(name, at.clone());
        let one = || vec![(unknown(key_name.unwrap_or("key")), unknown(value_name))];
        let pairs = pairs.unwrap_or_else(one);
        let read = pairs.into_iter().map(|(key, value)| {
            let mut inside = vec![(value_name.to_owned(), value)];
            inside.extend(key_name.map(|name| (name.to_owned(), key)));
            self.within(inside, || {
                let key = each.key_expr.as_ref().map(|key| self.value(key));
                (key, self.value(&each.value_expr))
            })
        });
        let read: Vec<(Option<Node>, Node)> = read.collect();
        let node = Node::new(collected(read, each.key_expr.is_some()), at.clone());
        let node = match self.said(each, is_known, &at) {
            Some(choice) => node.with(choice),
            None => node,
        };
        collection.choices.into_iter().fold(node, Node::with)
    }

    /// Whether so many items may still be read.
    fn takes(&self, count: usize) -> bool {
        let left = self.left.get().checked_sub(count);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    /// What is to be said of what was read of it.
    fn said(&self, each: &ForExpr, is_known: bool, at: &Range<usize>) -> Option<Choice> {
        let of = |span: Option<Range<usize>>| one_line(self.source(&span.unwrap_or_default()));
        let collection = of(each.intro.collection_expr.span());
        if !is_known {
            return Some(Choice::partial(
                at.clone(),
                format!(
                    "the `for` goes through `{collection}`, which is not known here, and was read for one item: give the file that has it, or check each item by hand"
                ),
            ));
        }
        let condition = each.cond.as_ref()?;
        Some(Choice::assumed(
            at.clone(),
            format!(
                "the `for` through `{collection}` was read for all items: check which of them `if {}` leaves out",
                of(condition.expr.span())
            ),
        ))
    }

    /// What is read while names stand for values.
    fn within<T>(&self, names: Vec<(String, Node)>, read: impl FnOnce() -> T) -> T {
        let depth = self.scope.borrow().len();
        self.scope.borrow_mut().extend(names);
        let done = read();
        self.scope.borrow_mut().truncate(depth);
        done
    }
}

/// The keys and values of a collection that is known.
fn pairs(collection: &Node) -> Option<Vec<(Node, Node)>> {
    let text = |text: &str| Node::new(Kind::Text(text.to_owned()), collection.at.clone());
    match &collection.kind {
        Kind::List(items) if !items.iter().any(|item| item.unknown_name().is_some()) => {
            let items = items.iter().enumerate();
            Some(
                items
                    .map(|(index, item)| (text(&index.to_string()), item.clone()))
                    .collect(),
            )
        }
        Kind::Map(members) => {
            let members = members.iter();
            Some(
                members
                    .map(|it| (text(&it.key), it.value.clone()))
                    .collect(),
            )
        }
        _ => None,
    }
}

fn collected(read: Vec<(Option<Node>, Node)>, is_map: bool) -> Kind {
    if !is_map {
        return Kind::List(read.into_iter().map(|(_, value)| value).collect());
    }
    let members = read.into_iter().map(|(key, value)| Member {
        key: key.and_then(|key| key.text()).unwrap_or_default(),
        key_at: value.at.clone(),
        value,
    });
    Kind::Map(members.collect())
}
