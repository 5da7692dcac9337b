//! Texts of HCL, with `${...}` for what is not known.

use std::ops::Range;

use super::super::{Kind, Node, Style};

/// A text with `${...}` in it, as it is written.
pub(super) fn template(raw: &str, at: Range<usize>) -> Node {
    let inner = raw
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let inner = inner.unwrap_or(raw);
    // A directive decides what the text is.
    if inner.contains("%{") && !inner.contains("%%{") {
        return Node::unknown(raw, at);
    }
    let text = inner
        .replace("\\n", "\n")
        .replace("\\\"", "\"")
        .replace("$${", "${");
    let mut node = Node::new(Kind::Text(text), at);
    node.style = Style::Double;
    node
}

/// The lines of a heredoc, without their common indentation where it has a `-`.
pub(super) fn heredoc(raw: &str, is_indented: bool, at: Range<usize>) -> Node {
    let lines: Vec<&str> = raw.lines().skip(1).collect();
    let ends = raw.lines().last().is_some_and(|last| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        !last.trim().is_empty() && last.trim().chars().all(is_word)
    });
    let lines = &lines[..lines.len() - usize::from(ends && !lines.is_empty())];
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let filled = lines.iter().copied().filter(|line| !line.trim().is_empty());
    let margin = match is_indented || raw.starts_with("<<-") {
        true => filled.map(|line| indent(&line)).min().unwrap_or_default(),
        false => 0,
    };
    let lines = lines
        .iter()
        .map(|line| line.get(margin..).unwrap_or_default());
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let mut node = Node::new(Kind::Text(text), at);
    node.style = Style::Block;
    node
}
