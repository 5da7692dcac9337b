//! A list without one of its items.

use super::Change;
use crate::tree::Node;

/// The list without an item, where the list is written in one piece.
#[must_use]
pub fn without(list: &Node, index: usize, text: &str) -> Option<Change> {
    let items = list.items();
    let item = items.get(index)?;
    let is_inside = |it: &Node| it.at.start >= list.at.start && it.at.end <= list.at.end;
    let is_flow = text.as_bytes().get(list.at.start) == Some(&b'[');
    let is_block = text.as_bytes().get(list.at.start) == Some(&b'-');
    if !items.iter().all(is_inside) || !(is_flow || is_block) {
        return None;
    }
    let gone = |at| {
        Some(Change {
            at,
            text: String::new(),
        })
    };
    if items.len() == 1 {
        return Some(Change {
            at: list.at.clone(),
            text: "[]".to_owned(),
        });
    }
    if is_block {
        let begin = text[..item.at.start].rfind('\n').map_or(0, |at| at + 1);
        let is_own_line = text[begin..item.at.start].trim() == "-";
        let end = text[item.at.end..]
            .find('\n')
            .map_or(text.len(), |at| item.at.end + at + 1);
        return is_own_line.then_some(begin..end).and_then(gone);
    }
    match items.get(index + 1) {
        Some(next) => gone(item.at.start..next.at.start),
        None => gone(items[index - 1].at.end..item.at.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::applied;
    use crate::tree::{hcl, json, yaml};

    #[test]
    fn an_item_goes_with_its_comma_or_its_lines() {
        for (text, index, expected) in [
            ("[\n  {\"a\": 1},\n  {\"b\": 2}\n]", 0, "[\n  {\"b\": 2}\n]"),
            ("[\n  {\"a\": 1},\n  {\"b\": 2}\n]", 1, "[\n  {\"a\": 1}\n]"),
            ("[{\"a\": 1}]", 0, "[]"),
        ] {
            let list = json::parse(text).unwrap();
            let change = without(&list, index, text).unwrap();
            assert_eq!(applied(text, &[change]), expected);
        }
        let text = "e:\n  - name: a\n    value: 1\n  - name: b\n    value: 2\nf: g\n";
        for (index, expected) in [
            (0, "e:\n  - name: b\n    value: 2\nf: g\n"),
            (1, "e:\n  - name: a\n    value: 1\nf: g\n"),
        ] {
            let list = yaml::parse(text).unwrap()[0].get("e").unwrap().clone();
            let change = without(&list, index, text).unwrap();
            assert_eq!(applied(text, &[change]), expected);
        }
        // The items of lists that a function joins are not separated by one comma.
        let text = "e = concat([{ a = 1 }], [{ b = 2 }])\n";
        let list = hcl::parse(text).unwrap().get("e").unwrap().clone();
        assert_eq!(without(&list, 0, text), None);
    }
}
