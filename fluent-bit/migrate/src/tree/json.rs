//! JSON, and JSON in a template: `${NAME}` may be where a value is expected.

use super::{DEEPEST, Kind, Member, Node, Style, line_of};

/// Reads a document.
///
/// # Errors
///
/// What was expected, and in which line and column.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("the end of the document")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, String> {
        self.space();
        let start = self.at;
        if depth > DEEPEST {
            return Err(self.wrong("a document that is less deep"));
        }
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => {
                let text = self.string()?;
                let mut node = Node::new(Kind::Text(text), start..self.at);
                node.style = Style::Double;
                return Ok(node);
            }
            Some(b'$') => {
                let name = self.variable()?;
                return Ok(Node::unknown(&name, start..self.at));
            }
            _ => self.word()?,
        };
        Ok(Node::new(kind, start..self.at))
    }

    fn map(&mut self, depth: usize) -> Result<Kind, String> {
        self.at += 1;
        let mut members = Vec::new();
        while !self.ends(b'}', members.is_empty())? {
            let start = self.at;
            let key = match self.peek() {
                Some(b'"') => self.string()?,
                _ => return Err(self.wrong("a key in double quotes")),
            };
            let key_at = start..self.at;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            members.push(Member { key, key_at, value });
        }
        Ok(Kind::Map(members))
    }

    fn list(&mut self, depth: usize) -> Result<Kind, String> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.ends(b']', items.is_empty())? {
            items.push(self.value(depth + 1)?);
        }
        Ok(Kind::List(items))
    }

    /// Passes a comma between members, or the end; a comma before the end is passed too.
    fn ends(&mut self, end: u8, is_first: bool) -> Result<bool, String> {
        self.space();
        if !is_first && self.peek() != Some(end) {
            if self.peek() != Some(b',') {
                return Err(self.wrong(if end == b'}' {
                    "`,` or `}`"
                } else {
                    "`,` or `]`"
                }));
            }
            self.at += 1;
            self.space();
        }
        let is_end = self.peek() == Some(end);
        self.at += usize::from(is_end);
        Ok(is_end)
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(&format!("`{}`", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'\\') => end += 2,
                // A template may have quotes of its own in `${...}`.
                Some(b'$') if bytes.get(end + 1) == Some(&b'{') => {
                    end = closing(self.text, end + 2).unwrap_or(end + 1);
                }
                Some(b'"') => break,
                Some(b'\n') | None => return Err(self.wrong("a `\"` at the end of a text")),
                Some(_) => end += 1,
            }
        }
        let raw = &self.text[start..=end];
        self.at = end + 1;
        if let Ok(text) = serde_json::from_str::<String>(raw) {
            return Ok(text);
        }
        let inner = &raw[1..raw.len() - 1];
        if inner.contains("${") && !inner.contains('\\') {
            return Ok(inner.to_owned());
        }
        self.at = start;
        Err(self.wrong("a text without a wrong escape"))
    }

    fn variable(&mut self) -> Result<String, String> {
        let start = self.at;
        if !self.text[start..].starts_with("${") {
            return Err(self.wrong("a value"));
        }
        let end = closing(self.text, start + 2).ok_or_else(|| self.wrong("a `}` of `${`"))?;
        self.at = end;
        Ok(self.text[start + 2..end - 1].trim().to_owned())
    }

    fn word(&mut self) -> Result<Kind, String> {
        let rest = &self.text[self.at..];
        let is_in = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let word = &rest[..rest.find(|c| !is_in(c)).unwrap_or(rest.len())];
        let kind = match word {
            "null" => Kind::Null,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            _ if word.parse::<f64>().is_ok() && !word.starts_with(char::is_alphabetic) => {
                Kind::Number(word.to_owned())
            }
            _ => return Err(self.wrong("a value")),
        };
        self.at += word.len();
        Ok(kind)
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, expected: &str) -> String {
        let at = self.at.min(self.text.len());
        let begin = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let (line, column) = (line_of(self.text, at), self.text[begin..at].chars().count());
        let found = match self.text[at..].chars().next() {
            Some(found) => format!("`{found}`"),
            None => "its end".to_owned(),
        };
        let column = column + 1;
        format!("line {line}, column {column}: {expected} was expected, and there is {found}")
    }
}

/// The place behind the `}` that closes what was opened before a place.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 1;
    for (offset, byte) in text.as_bytes().get(from..)?.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(from + offset + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_places() {
        let text =
            "{\"a\": [1, null, \"x\\u00e9\\ud83d\\ude00\"],\n \"b\": ${ var.b }, \"c\": true,}";
        let node = parse(text).unwrap();
        let list = node.get("A").unwrap().items();
        assert_eq!(&text[list[2].at.clone()], "\"x\\u00e9\\ud83d\\ude00\"");
        assert_eq!(list[2].text().as_deref(), Some("xé😀"));
        assert_eq!(list[1].kind, Kind::Null);
        assert_eq!(node.text_of("b").as_deref(), Some("${var.b}"));
        assert_eq!(&text[node.members()[1].key_at.clone()], "\"b\"");
        assert_eq!(node.text_of("c").as_deref(), Some("true"));
    }

    #[test]
    fn a_fault_has_its_place() {
        for (text, why) in [
            (
                "",
                "line 1, column 1: a value was expected, and there is its end",
            ),
            ("{", "line 1, column 2: a key in double quotes was expected"),
            (
                "[1\n 2]",
                "line 2, column 2: `,` or `]` was expected, and there is `2`",
            ),
            ("{\"a\" 1}", "line 1, column 6: `:` was expected"),
            ("{} x", "the end of the document was expected"),
            ("\"a", "a `\"` at the end of a text"),
            ("nan", "a value was expected"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(why), "{text}: {found}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
