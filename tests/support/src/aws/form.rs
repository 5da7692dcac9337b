//! `name=value&…` as queries and query-protocol bodies write it, both ways.

use std::collections::BTreeMap;

/// Names and values, decoded; of a repeated name the last value counts.
pub(super) fn decoded(text: &str) -> BTreeMap<String, String> {
    pairs(text).collect()
}

/// The query as SigV4 signs it: decoded, strictly encoded again, sorted.
pub(super) fn canonical(query: &str) -> String {
    let mut signed: Vec<_> = pairs(query)
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    signed.sort();
    let written: Vec<_> = signed
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    written.join("&")
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plain(name), plain(value))
    })
}

fn plain(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => hex_pair(&mut bytes).unwrap_or(b'%'),
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_pair(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = bytes.clone();
    let mut digit = || char::from(ahead.next()?).to_digit(16);
    let byte = u8::try_from(digit()? * 16 + digit()?).ok()?;
    *bytes = ahead;
    Some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let form = decoded("RoleArn=arn%3Aaws%3Aiam&RoleSessionName=a+b%20c&Odd=100%&Bare");
        assert_eq!(form["RoleArn"], "arn:aws:iam");
        assert_eq!(form["RoleSessionName"], "a b c");
        assert_eq!(form["Odd"], "100%");
        assert_eq!(form["Bare"], "");
    }

    #[test]
    fn a_signed_query_is_sorted_and_strictly_encoded() {
        assert_eq!(canonical("b=2&a=x/y&a=+"), "a=%20&a=x%2Fy&b=2");
    }
}
