//! Any text as a template, rendered for any record, and made fit for each service.

use router::naming::template::{Template, clean_delivery_stream, clean_group, clean_stream};
use router::naming::variables::{Fixed, Surroundings, Variables};
use router::record::chunk_reader::Records;

use super::split;

/// The input is the template, the tag, and a chunk, separated by line feeds.
pub fn template(data: &[u8]) {
    let (text, rest) = split(data, b"\n");
    let (tag, chunk) = split(rest, b"\n");
    let (text, tag) = (String::from_utf8_lossy(text), String::from_utf8_lossy(tag));
    clean(text.as_bytes());
    let template = match Template::parse(&text) {
        Ok(template) => template,
        Err(problem) => return assert!(!problem.to_string().is_empty()),
    };
    let fixed = Fixed {
        region: "r".to_owned(),
        uuid: "u".to_owned(),
    };
    let variables = Variables::new(&fixed, None, &tag);
    let mut records = Records::new(chunk);
    while let Some(record) = records.next() {
        let source = Surroundings {
            record: &record,
            tag: &tag,
            variables,
        };
        let mut name = b"before".to_vec();
        let rendered = template.render(&source, &mut name);
        let name = name.strip_prefix(b"before").expect("what was there stays");
        match rendered {
            Ok(()) => clean(name),
            Err(missing) => {
                assert!(name.is_empty(), "half a name");
                assert!(text.contains(missing.item));
            }
        }
    }
}

fn clean(name: &[u8]) {
    let is_plain = |c: char, more: &str| c.is_ascii_alphanumeric() || more.contains(c);
    check(name, clean_group, 512, |c| is_plain(c, ".-_/#"));
    check(name, clean_stream, 512, |c| !":*".contains(c));
    check(name, clean_delivery_stream, 64, |c| is_plain(c, "_.-"));
}

fn check(
    name: &[u8],
    clean: fn(&mut Vec<u8>, usize),
    longest: usize,
    allowed: impl Fn(char) -> bool,
) {
    let mut cleaned = [b"*:", name].concat();
    clean(&mut cleaned, 2);
    let cleaned = cleaned.strip_prefix(b"*:").expect("what was there stays");
    assert!(cleaned.len() <= longest);
    assert_eq!(cleaned.is_empty(), name.is_empty());
    let text = std::str::from_utf8(cleaned).expect("a name is text");
    assert!(text.chars().all(allowed), "{text}");
    let mut again = cleaned.to_vec();
    clean(&mut again, 0);
    assert_eq!(again, cleaned, "what is clean stays as it is");
}
