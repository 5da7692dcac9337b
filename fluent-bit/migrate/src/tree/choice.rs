//! Where a document leaves open which of several values counts: what was read, in a sentence.

use std::ops::Range;

use super::{Kind, Node};

/// What a reader decided where a document leaves a choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The bytes of the construct.
    pub at: Range<usize>,
    /// The construct, what was read of it, and what to check.
    pub text: String,
    /// Whether a part that may matter was not read.
    pub is_partial: bool,
}

impl Choice {
    /// A part was not read.
    #[must_use]
    pub fn partial(at: Range<usize>, text: String) -> Self {
        Self {
            at,
            text,
            is_partial: true,
        }
    }

    /// All was read, and it holds under a condition.
    #[must_use]
    pub fn assumed(at: Range<usize>, text: String) -> Self {
        Self {
            at,
            text,
            is_partial: false,
        }
    }
}

/// The branch of a condition that is read: the first one that has members, items or a document.
/// Of two other values neither is known.
#[must_use]
pub fn branch(condition: &str, at: &Range<usize>, yes: Node, no: Node) -> Option<Node> {
    let condition = one_line(condition);
    let is_read = |node: &Node| has_document(node) && !node.is_nothing();
    let (chosen, other, word, opposite) = match (is_read(&yes), is_read(&no)) {
        (true, _) => (yes, no, "true", "false"),
        (_, true) => (no, yes, "false", "true"),
        _ if yes.is_nothing() && no.is_nothing() => return Some(yes),
        _ => return None,
    };
    if is_same(&chosen, &other) {
        return Some(chosen);
    }
    let at = at.clone();
    Some(chosen.with(match other.is_nothing() {
        true => Choice::assumed(
            at,
            format!("the condition `{condition}` is read as {word}: check what logs where it is {opposite}, as its value there is empty"),
        ),
        false => Choice::partial(
            at,
            format!("of the condition `{condition}` the value for {word} was read, and the one for {opposite} was not: check that one by hand"),
        ),
    }))
}

/// Whether a value has members or items, or is a text that may be a document.
#[must_use]
pub fn has_document(node: &Node) -> bool {
    match &node.kind {
        Kind::List(_) | Kind::Map(_) => true,
        Kind::Text(text) => text.contains('\n') || text.starts_with("${file "),
        _ => false,
    }
}

/// Whether two values are one, wherever they are.
fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs
                    .all(|(one, other)| one.key == other.key && is_same(&one.value, &other.value))
        }
        (one, other) => one == other,
    }
}

/// A construct on one line, cut where it is long.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

const LONGEST: usize = 70;
