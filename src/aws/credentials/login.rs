//! User name and password of a URL -> an `Authorization` header.

/// The URL without user name and password, and the value of the `Authorization` header (Basic) that
/// Go's HTTP client would send for them.
pub(crate) fn split(url: &str) -> (String, Option<String>) {
    let whole = || (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else {
        return whole();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((login, host)) = rest[..end].rsplit_once('@') else {
        return whole();
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let login = [&decoded(user)[..], b":", &decoded(password)].concat();
    let login = base64_simd::STANDARD.encode_to_string(login);
    let url = format!("{scheme}://{host}{}", &rest[end..]);
    (url, Some(format!("Basic {login}")))
}

/// Decodes percent-encoding. An invalid sequence stays as it is.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = rest
            .get(1..3)
            .and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        let byte;
        (byte, rest) = match code {
            Some(code) if first == b'%' => (code, &rest[3..]),
            _ => (first, after),
        };
        bytes.push(byte);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_moves_from_the_url_to_the_header() {
        for (url, expected, login) in [
            ("http://h:1/a@b", "http://h:1/a@b", None),
            ("http://u:p@h/a?b", "http://h/a?b", Some("Basic dTpw")),
            ("http://u@h", "http://h", Some("Basic dTo=")),
            ("http://u:%40%4@h", "http://h", Some("Basic dTpAJTQ=")),
        ] {
            let (url, found) = split(url);
            assert_eq!((url.as_str(), found.as_deref()), (expected, login));
        }
    }
}
