//! One GET over plain HTTP, for addresses of the task itself.
//!
//! Asked in HTTP/1.0, so that an answer ends with its connection and is never chunked.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nothing listens at the address.
    Closed(String),
    /// The answer has another status than 200.
    Status(String),
    /// Anything else.
    Other(String),
}

impl Problem {
    /// The problem as a sentence that names the address.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Closed(text) | Self::Status(text) | Self::Other(text) => text,
        }
    }
}

/// The body of an answer with status 200.
///
/// # Errors
///
/// Why there is none.
pub(crate) fn get(authority: &str, path: &str, patience: Duration) -> Result<String, Problem> {
    let said = |problem: &str| format!("http://{authority}{path}: {problem}");
    let answer = exchange(authority, path, patience).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => Problem::Closed(said("nothing listens there")),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            Problem::Other(said(&format!("no answer within {} s", patience.as_secs())))
        }
        _ => Problem::Other(said(&error.to_string())),
    })?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Problem::Other(said("the answer is not HTTP")))?;
    let mut words = head.lines().next().unwrap_or_default().split(' ').skip(1);
    match words.next() {
        Some("200") => Ok(body.to_owned()),
        status => Err(Problem::Status(said(&format!(
            "HTTP {}",
            status.unwrap_or("without a status")
        )))),
    }
}

/// An address's authority and path, when it is one of plain HTTP.
pub(crate) fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    Some(match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    })
}

fn exchange(authority: &str, path: &str, patience: Duration) -> io::Result<String> {
    let mut stream = connect(authority, patience)?;
    stream.set_write_timeout(Some(patience))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )?;
    let answer = whole(&mut stream, Instant::now() + patience)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// All bytes until the end or the bound, by one deadline: an answer may come byte by byte.
fn whole(stream: &mut TcpStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let (mut answer, mut part) = (Vec::new(), [0; 16 * 1024]);
    while answer.len() < LARGEST {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
    }
    Ok(answer)
}

fn connect(authority: &str, patience: Duration) -> io::Result<TcpStream> {
    let with_port = match authority.contains(':') {
        true => authority.to_owned(),
        false => format!("{authority}:80"),
    };
    let mut addresses = with_port.to_socket_addrs()?;
    let address = addresses.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    TcpStream::connect_timeout(&address, patience)
}

/// Bytes of an answer that are read: metrics of some thousand outputs.
const LARGEST: usize = 4 * 1024 * 1024;

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The authority of a server that gives these answers, one a connection, and then ends.
    pub(crate) fn server(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        authority
    }

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn the_body_of_a_success_is_given() {
        let authority = server(vec!["HTTP/1.1 200 OK\r\nA: b\r\n\r\none\ntwo".into()]);
        assert_eq!(get(&authority, "/x", PATIENCE).unwrap(), "one\ntwo");
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_address() {
        let authority = server(vec!["HTTP/1.1 500 No\r\n\r\n".into(), "SSH-2.0".into()]);
        let problem = || get(&authority, "/x", PATIENCE).unwrap_err();
        let status = problem();
        assert!(
            matches!(&status, Problem::Status(text) if *text == format!("http://{authority}/x: HTTP 500"))
        );
        assert!(problem().text().ends_with("the answer is not HTTP"));
        let closed = problem();
        assert!(
            matches!(closed, Problem::Closed(_)) || closed.text().contains("reset"),
            "{closed:?}"
        );
    }

    #[test]
    fn an_answer_that_does_not_come_or_not_end_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (silent, _) = listener.accept().unwrap();
            let (mut slow, _) = listener.accept().unwrap();
            while slow.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
            drop(silent);
        });
        for _ in 0..2 {
            let problem = get(&authority, "/x", Duration::from_secs(1)).unwrap_err();
            assert!(
                problem.text().ends_with("/x: no answer within 1 s"),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn an_address_is_an_authority_and_a_path() {
        assert_eq!(parts("http://h:1/v4/x"), Some(("h:1", "/v4/x")));
        assert_eq!(parts("http://h"), Some(("h", "")));
        assert_eq!(parts("https://h/"), None);
    }
}
