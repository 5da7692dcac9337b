//! A program's text without its comments and the contents of its texts: brackets and commas that are
//! left are those of the program.

/// One byte for each of the text: white space for a comment, [`IN_TEXT`] for a text in quotes.
pub(super) fn of(text: &str, is_python: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut shape = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match &bytes[at..] {
            [b'#', ..] if is_python => line_end(bytes, at),
            [b'/', b'/', ..] if !is_python => line_end(bytes, at),
            [b'/', b'*', rest @ ..] if !is_python => {
                let length = rest.windows(2).position(|two| two == b"*/");
                length.map_or(bytes.len(), |length| at + length + 4)
            }
            [quote @ (b'"' | b'\'' | b'`'), ..] => text_end(bytes, at, *quote),
            _ => {
                at += 1;
                continue;
            }
        };
        let is_text = matches!(bytes[at], b'"' | b'\'' | b'`');
        for byte in &mut shape[at..end] {
            *byte = match (is_text, *byte) {
                (true, _) => IN_TEXT,
                (false, b'\n') => b'\n',
                (false, _) => b' ',
            };
        }
        at = end;
    }
    shape
}

/// What stands for a byte of a text in quotes.
pub(super) const IN_TEXT: u8 = b'_';

fn line_end(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..].iter().position(|byte| *byte == b'\n');
    length.map_or(bytes.len(), |length| from + length)
}

/// Behind the quote that ends a text; one quote without another on its line ends with the line.
fn text_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let three = [quote; 3];
    if quote != b'`' && bytes[from..].starts_with(&three) {
        let rest = &bytes[from + 3..];
        let length = rest.windows(3).position(|part| part == three);
        return length.map_or(bytes.len(), |length| from + length + 6);
    }
    let mut at = from + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if quote != b'`' => return at,
            byte if *byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_comments_and_texts_are_none() {
        for (text, is_python, expected) in [
            ("a(b) // don't (", false, "a(b)           "),
            ("a /* it's\n ( */ b", false, "a        \n      b"),
            ("f('it\\'s)') # x", false, "f(________) # x"),
            ("f(')') # don't", true, "f(___)        "),
            ("\"\"\"don't\"\"\" (", true, "___________ ("),
            ("'a\n(", false, "__\n("),
            ("`a'\n(`)", false, "______)"),
        ] {
            let shape = of(text, is_python);
            assert_eq!(String::from_utf8(shape).unwrap(), expected, "{text}");
        }
    }
}
