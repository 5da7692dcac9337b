//! A few thousand lines as containers write them: access logs, JSON, stack traces, and what is
//! rare but real. Always the same ones.

use crate::chunk::Random;

/// The lines, each with its end.
pub(super) fn text() -> Vec<u8> {
    let mut sample = Sample(Random::with_seed(SEED));
    let mut text = Vec::new();
    for number in 0..ENTRIES {
        text.extend(sample.entry(number).into_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(BROKEN);
    text
}

struct Sample(Random);

impl Sample {
    /// One line, or several that belong together.
    fn entry(&mut self, number: usize) -> String {
        match number % 40 {
            0 => self.trace(number),
            7 => String::new(),
            13 => (*self.0.one_of(RARE)).to_owned(),
            19 if number % 400 == 19 => self.long(),
            n if n % 3 == 0 => self.json(number),
            _ => self.access(number),
        }
    }

    fn access(&mut self, number: usize) -> String {
        let [a, b] = [self.0.below(256), self.0.below(256)];
        let (method, path) = (self.0.one_of(METHODS), self.0.one_of(PATHS));
        let (status, bytes) = (self.0.one_of(STATUSES), self.0.below(90_000));
        let time = clock(number);
        format!(
            "10.0.{a}.{b} - - [05/Mar/2026:{time} +0000] \"{method} {path}?n={number} HTTP/1.1\" {status} {bytes} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\""
        )
    }

    fn json(&mut self, number: usize) -> String {
        let (level, message) = (self.0.one_of(LEVELS), self.0.one_of(MESSAGES));
        let millis = self.0.below(2_000);
        let time = clock(number);
        format!(
            r#"{{"time":"2026-03-05T{time}Z","level":"{level}","message":"{message}","order":{{"id":{number},"items":[{millis},null,1.50e3]}},"elapsed_ms":{millis}}}"#
        )
    }

    fn trace(&mut self, number: usize) -> String {
        let depth = 4 + self.0.below(12);
        let head = format!(
            "Exception in thread \"worker-{number}\" java.lang.IllegalStateException: order \"{number}\" is closed"
        );
        let frames = (0..depth).map(|depth| {
            format!(
                "\tat com.example.shop.Orders$Inner.step{depth}(Orders.java:{})",
                10 + depth * 7
            )
        });
        let lines: Vec<_> = std::iter::once(head).chain(frames).collect();
        lines.join("\n")
    }

    /// Longer than what a log driver takes at once.
    fn long(&mut self) -> String {
        let words = 2_000 + self.0.below(4_000);
        let words: Vec<_> = (0..words).map(|_| *self.0.one_of(WORDS)).collect();
        format!("dump: {}", words.join(" "))
    }
}

/// A time of the day, one entry each 7 seconds.
fn clock(number: usize) -> String {
    let seconds = number * 7;
    let (hours, minutes, seconds) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

const ENTRIES: usize = 3_000;
const SEED: u64 = 2026;

const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE"];
const PATHS: &[&str] = &[
    "/",
    "/healthz",
    "/orders",
    "/orders/17/items",
    "/static/app.js",
    "/größe/naïve",
];
const STATUSES: &[u16] = &[200, 200, 200, 204, 301, 304, 404, 499, 500, 503];
const LEVELS: &[&str] = &["debug", "info", "info", "warn", "error"];
const MESSAGES: &[&str] = &[
    "order placed",
    r#"payment \"declined\" by the bank"#,
    r"path C:\\orders\\new\n",
    "cliente não encontrado",
    "在庫がありません",
    r"bell \u0007 and snowman \u2603",
];
const WORDS: &[&str] = &[
    "alpha",
    "βeta",
    "gamma",
    "δέλτα",
    "\"quoted\"",
    r"back\slash",
    "🚀",
    "日本語",
    "0x1f",
];
const RARE: &[&str] = &[
    "    indented by four, with two at the end  ",
    "\tand by a tab",
    "\u{1b}[31mred\u{1b}[0m and \u{1b}[1mbold\u{1b}[0m",
    "a carriage return at the end\r",
    "<script>alert('x & y')</script>",
    "{\"torn\": [1, 2",
    "\"",
    "\\",
    "null",
    "👩‍👩‍👧‍👦 e\u{301} \u{feff}\u{2028} \u{fffd} \u{10ffff}",
    "a NUL \0 and a DEL \u{7f}",
    " ",
];
/// Bytes that are no UTF-8: Latin-1, a torn character, and one that is too long.
const BROKEN: &[u8] = b"caf\xe9\n\xf0\x9f\x9a\n\xc0\xaf overlong\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_always_the_same_and_has_a_line_of_each_kind() {
        let sample = text();
        assert_eq!(sample, text());
        let lines: Vec<_> = sample.split(|byte| *byte == b'\n').collect();
        assert!((3_000..10_000).contains(&lines.len()), "{}", lines.len());
        assert!(sample.len() < 1_000_000, "{}", sample.len());
        let is_there = |kind: fn(&[u8]) -> bool| lines.iter().any(|line| kind(line));
        assert!(is_there(|line| line.is_empty()));
        assert!(is_there(|line| line.len() > 16 * 1024));
        assert!(is_there(|line| line.starts_with(b"\tat ")));
        assert!(is_there(|line| {
            serde_json::from_slice::<serde_json::Value>(line).is_ok()
        }));
        assert!(is_there(|line| str::from_utf8(line).is_err()));
    }
}
