//! What is kept of each output from check to check.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{Counters, Outputs};
use crate::files;

/// Every output's standing.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Record(BTreeMap<String, Standing>);

/// How an output stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// Its counters at the last check.
    pub seen: Counters,
    /// When a check first found it failing or waiting with nothing delivered, in seconds since the epoch.
    pub failing_since: Option<u64>,
}

impl Standing {
    /// How it stands after one more check.
    #[must_use]
    pub fn after(before: Option<Self>, seen: Counters, now: u64) -> Self {
        let before = before
            .filter(|before| !before.is_of_another_run(seen))
            .unwrap_or_default();
        let delivers = seen.delivered > before.seen.delivered;
        let fails = seen.failed > before.seen.failed;
        let failing_since = match (delivers, seen.waiting) {
            (true, _) | (false, Some(false)) => None,
            (false, Some(true)) => before.failing_since.or(Some(now)),
            (false, None) if fails => before.failing_since.or(Some(now)),
            (false, None) => before.failing_since,
        };
        Self {
            seen,
            failing_since,
        }
    }

    /// Counters only grow, until Fluent Bit is started or reloaded.
    fn is_of_another_run(&self, seen: Counters) -> bool {
        seen.delivered < self.seen.delivered || seen.failed < self.seen.failed
    }
}

impl Record {
    /// Reads the record of the last check; without one it is empty.
    ///
    /// # Errors
    ///
    /// Why the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, String> {
        match files::read(path) {
            Ok(text) => Ok(Self(text.lines().filter_map(parsed).collect())),
            Err(problem) if problem.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(problem) => Err(format!("{}: {problem}", path.display())),
        }
    }

    /// The record after one more check.
    #[must_use]
    pub fn after(&self, Outputs(outputs): Outputs, now: u64) -> Self {
        let outputs = outputs.into_iter().map(|(name, seen)| {
            let standing = Standing::after(self.0.get(&name).copied(), seen, now);
            (name, standing)
        });
        Self(outputs.collect())
    }

    /// Keeps it for the next check; a check that runs beside this one finds it whole.
    ///
    /// # Errors
    ///
    /// Why it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let mut text = String::new();
        for (
            name,
            Standing {
                seen,
                failing_since,
            },
        ) in &self.0
        {
            let since = failing_since.map_or("-".to_owned(), |since| since.to_string());
            let line = writeln!(text, "{} {} {since} {name}", seen.delivered, seen.failed);
            line.expect("a string takes every text");
        }
        let new = path.with_extension(std::process::id().to_string());
        let written = files::write(&new, text.as_bytes()).and_then(|()| fs::rename(&new, path));
        written.map_err(|problem| {
            format!(
                "{}: {problem}; choose another place with --state",
                path.display()
            )
        })
    }

    /// The outputs that have been failing for an age, each with the seconds.
    #[must_use]
    pub fn late(&self, now: u64, max_age: u64) -> Vec<String> {
        let failing = self.0.iter().filter_map(|(name, standing)| {
            let age = now.saturating_sub(standing.failing_since?);
            (age >= max_age).then(|| format!("{name} for {age} s"))
        });
        failing.collect()
    }

    /// How many outputs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parsed(line: &str) -> Option<(String, Standing)> {
    let mut parts = line.splitn(4, ' ');
    let mut number = || parts.next()?.parse().ok();
    let seen = Counters {
        delivered: number()?,
        failed: number()?,
        waiting: None,
    };
    let failing_since = parts.next()?.parse().ok();
    let standing = Standing {
        seen,
        failing_since,
    };
    Some((parts.next()?.to_owned(), standing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(counters: &[(u64, u64)]) -> Option<u64> {
        let counters = counters
            .iter()
            .map(|&(delivered, failed)| (delivered, failed, None));
        run_telling(&counters.collect::<Vec<_>>())
    }

    fn run_telling(counters: &[(u64, u64, Option<bool>)]) -> Option<u64> {
        let mut standing = None;
        for (&(delivered, failed, waiting), now) in counters.iter().zip(1..) {
            let seen = Counters {
                delivered,
                failed,
                waiting,
            };
            standing = Some(Standing::after(standing, seen, now));
        }
        standing.unwrap().failing_since
    }

    #[test]
    fn an_output_fails_from_the_first_failure_until_something_arrives() {
        assert_eq!(run(&[(0, 0), (5, 0), (9, 0)]), None);
        assert_eq!(run(&[(5, 0), (5, 1), (5, 1), (5, 4)]), Some(2));
        assert_eq!(run(&[(5, 0), (5, 1), (6, 1)]), None);
        assert_eq!(run(&[(5, 0), (5, 1), (6, 2)]), None);
        assert_eq!(run(&[(5, 0), (6, 1), (6, 1)]), None);
    }

    #[test]
    fn an_output_that_never_delivered_fails_from_the_first_check_on() {
        assert_eq!(run(&[(0, 3), (0, 3)]), Some(1));
        assert_eq!(run(&[(4, 3), (4, 3)]), None);
    }

    #[test]
    fn a_fluent_bit_that_was_started_again_begins_anew() {
        assert_eq!(run(&[(9, 9), (9, 10), (0, 0)]), None);
        assert_eq!(run(&[(9, 9), (9, 10), (0, 1)]), Some(3));
    }

    #[test]
    fn an_output_that_tells_is_failing_as_long_as_something_waits_and_nothing_arrives() {
        let (waits, empty) = (Some(true), Some(false));
        assert_eq!(
            run_telling(&[(1, 0, empty), (1, 0, waits), (1, 0, waits)]),
            Some(2)
        );
        assert_eq!(
            run_telling(&[(1, 0, waits), (2, 0, waits), (3, 0, waits)]),
            None
        );
        assert_eq!(
            run_telling(&[(1, 0, waits), (1, 1, waits), (1, 2, empty)]),
            None
        );
        assert_eq!(run_telling(&[(1, 0, empty), (1, 3, empty)]), None);
    }

    #[test]
    fn quiet_is_not_failing() {
        assert_eq!(run(&[(0, 0), (0, 0), (0, 0)]), None);
    }

    #[test]
    fn a_link_in_the_place_of_the_record_is_not_followed() {
        let folder = std::env::temp_dir().join(format!("record-link-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (target, link) = (folder.join("target"), folder.join("state"));
        fs::write(&target, "0 0 - x\n").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(Record::read(&link).is_err());
        let new = link.with_extension(std::process::id().to_string());
        std::os::unix::fs::symlink(&target, &new).unwrap();
        Record::default().write(&link).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "0 0 - x\n");
        assert!(!link.is_symlink());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let path = std::env::temp_dir().join(format!("record-{}", std::process::id()));
        assert_eq!(Record::read(&path), Ok(Record::default()));
        let text = "fluentbit_output_errors_total{name=\"a b\"} 1\nfluentbit_output_proc_records_total{name=\"c\"} 2\n";
        let record = Record::default().after(Outputs::parse(text), 7);
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record);
        assert_eq!(record.late(9, 2), ["a b for 2 s"]);
        assert!(record.late(9, 3).is_empty() && record.len() == 2);
        fs::remove_file(path).unwrap();
    }
}
