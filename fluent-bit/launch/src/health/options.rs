//! The arguments of `healthcheck`.

use std::path::PathBuf;
use std::time::Duration;

/// What to check, and how.
#[derive(Debug, Eq, PartialEq)]
pub struct Options {
    /// The question.
    pub check: Check,
    /// How long an output may fail.
    pub max_age: Duration,
    /// The port of Fluent Bit's HTTP server.
    pub port: u16,
    /// The file that keeps the counters of the last check.
    pub state: PathBuf,
}

/// A question to Fluent Bit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Check {
    /// Does it answer?
    Alive,
    /// Do its outputs deliver?
    Delivering,
    /// None: how is it used?
    Help,
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// What is wrong, and the usage.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let check = match arguments.next().as_deref() {
            Some("alive") => Check::Alive,
            Some("delivering") => Check::Delivering,
            Some("--help" | "-h") => Check::Help,
            _ => return Err(USAGE.to_owned()),
        };
        let mut options = Self {
            check,
            max_age: MAX_AGE,
            port: PORT,
            state: STATE.into(),
        };
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
            let wrong = || format!("{name} cannot be `{value}`\n{USAGE}");
            options.set(&name, &value).ok_or_else(wrong)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "--max-age" => self.max_age = duration(value)?,
            "--port" => self.port = value.parse().ok()?,
            "--state" => self.state = value.into(),
            _ => return None,
        }
        Some(())
    }
}

/// A number of seconds, minutes or hours: `90s`, `5m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    Some(Duration::from_secs(seconds))
}

const MAX_AGE: Duration = Duration::from_secs(300);
/// Fluent Bit's own default.
const PORT: u16 = 2020;
/// In memory, and writable where the root is not: every container has it.
const STATE: &str = "/dev/shm/router-healthcheck";
pub(super) const USAGE: &str = "usage: healthcheck alive [--port 2020]
       healthcheck delivering [--max-age 5m] [--port 2020] [--state FILE]";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_check_alone_has_the_defaults() {
        let options = read("delivering").unwrap();
        assert_eq!(
            (options.check, options.max_age, options.port),
            (Check::Delivering, MAX_AGE, 2020)
        );
        assert_eq!(read("alive").unwrap().check, Check::Alive);
    }

    #[test]
    fn ages_are_in_seconds_minutes_or_hours() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h", 3600), ("0s", 0)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "-1s", "5d", "1é", "99999999999999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_usage() {
        for line in [
            "",
            "well",
            "alive --port",
            "alive --port x",
            "alive --ports 1",
            "delivering --max-age 5",
        ] {
            assert!(read(line).unwrap_err().contains(USAGE), "{line}");
        }
    }
}
