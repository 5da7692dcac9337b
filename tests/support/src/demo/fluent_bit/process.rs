//! What is asked of a Fluent Bit from outside: its version, its metrics, its state.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;

/// The first line that it prints of itself.
pub(super) fn version(program: &Path) -> Result<String, Failure> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next().unwrap_or("a Fluent Bit of no version");
    Ok(format!("{first} ({})", program.display()))
}

/// The major and the minor number of `Fluent Bit v5.1.1 (...)`; 0.0 when there is none.
pub(super) fn number(version: &str) -> (u32, u32) {
    let numbers = version.split(['v', '.', ' ', '-', '(']);
    let mut numbers = numbers.filter_map(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The text of the metrics endpoint.
pub(super) fn get(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER))?;
    let path = "/api/v2/metrics/prometheus";
    // Some versions keep a connection of HTTP/1.1 open, whatever it asks for.
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Asks again and again until there is an answer, or too much time has passed.
pub(super) fn patiently<T>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    let began = Instant::now();
    loop {
        match ask()? {
            None if began.elapsed() < patience => thread::sleep(PAUSE),
            answer => return Ok(answer),
        }
    }
}

/// Time for an answer of the metrics endpoint.
const ANSWER: Duration = Duration::from_secs(5);
/// Nothing tells of a process that ends or begins to listen, so it is asked.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_line_of_any_build() {
        assert_eq!(number("Fluent Bit v5.1.1"), (5, 1));
        assert_eq!(
            number("Fluent Bit v1.9.10 (/x/build-2.8/fluent-bit)"),
            (1, 9)
        );
        assert_eq!(number("something else"), (0, 0));
    }
}
