//! Option strings -> values that cannot be wrong, or every problem at once.
//!
//! A plugin states its options once, in a table of [`Spec`]; the reader, the documentation's table
//! and the search for misspelt keys are all made from it. The host only answers for a key that is
//! named, so unknown keys are found by asking for likely ones.

pub mod common;
pub mod env;

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The key a user writes.
    pub key: &'static str,
    /// The form of its value, for the documentation.
    pub form: &'static str,
    /// What holds when it is absent; empty for nothing.
    pub default: &'static str,
    /// One or two sentences for the documentation.
    pub help: &'static str,
}

/// A name under which another system has an option of ours.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The other system's key; it has a [`Spec`] of its own.
    pub key: &'static str,
    /// The option that it sets.
    pub option: &'static str,
    /// Its value as the option has it.
    pub value: fn(String) -> String,
}

/// Two tables as one, at compile time: what a plugin has of its own, and what both have.
///
/// `N` is the number of entries in both.
#[must_use]
pub const fn join<T: Copy, const N: usize>(own: &[T], shared: &[T]) -> [T; N] {
    let mut all = [own[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < own.len() {
            own[at]
        } else {
            shared[at - own.len()]
        };
        at += 1;
    }
    all
}

/// Reads a section's options and collects every problem.
pub struct Reader<'s> {
    specs: &'static [Spec],
    source: Box<Source<'s>>,
    aliases: Cell<&'static [Alias]>,
    problems: RefCell<Vec<String>>,
    idle: RefCell<Vec<String>>,
}

/// The value of a key, as written.
type Source<'s> = dyn Fn(&str) -> Option<String> + 's;

impl<'s> Reader<'s> {
    /// Reads the options of `specs` from whatever answers for a key.
    pub fn new(specs: &'static [Spec], source: impl Fn(&str) -> Option<String> + 's) -> Self {
        Self {
            specs,
            source: Box::new(source),
            aliases: Cell::default(),
            problems: RefCell::default(),
            idle: RefCell::default(),
        }
    }

    /// Lets options be set by other names from now on; one that is set by two is a problem.
    pub fn alias(&self, aliases: &'static [Alias]) {
        self.aliases.set(aliases);
        for Alias { key, option, .. } in aliases {
            if self.written(key).is_some() && self.written(option).is_some() {
                self.problem(format_args!(
                    "`{key}` and `{option}` are one option: set one of them"
                ));
            }
        }
    }

    /// The value as written, or the default; surrounding white space is no part of it.
    pub fn text(&self, key: &'static str) -> Option<String> {
        let default = Some(self.spec(key).default).filter(|default| !default.is_empty());
        let set = self.set(key).map(|(_, value)| value);
        set.or_else(|| default.map(str::to_owned))
    }

    /// Whether an option is set, by whatever name.
    pub fn is_set(&self, key: &'static str) -> bool {
        self.set(key).is_some()
    }

    /// The value that was set for an option, and the name by which it was.
    fn set(&self, key: &'static str) -> Option<(&'static str, String)> {
        let aliased = || {
            let mut aliases = self.aliases.get().iter();
            aliases.find_map(|alias| {
                let of_the_option = alias.option == key;
                let value = self.written(alias.key).filter(|_| of_the_option)?;
                Some((alias.key, (alias.value)(value)))
            })
        };
        self.written(key).map(|value| (key, value)).or_else(aliased)
    }

    /// What stands behind a key, unless it is empty.
    fn written(&self, key: &str) -> Option<String> {
        let value = (self.source)(key)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    /// A value that must be there; an empty one stands for it once the problem is noted.
    pub fn required(&self, key: &'static str) -> String {
        self.text(key).unwrap_or_else(|| {
            self.problem(format_args!("`{key}` is required: {}", self.spec(key).help));
            String::new()
        })
    }

    /// A switch, in any spelling the host takes.
    pub fn switch(&self, key: &'static str) -> bool {
        let allowed = "true, on, yes, 1, false, off, no or 0";
        self.parsed(key, allowed, |value| {
            match value.to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => Some(true),
                "false" | "off" | "no" | "0" => Some(false),
                _ => None,
            }
        })
        .unwrap_or_default()
    }

    /// A whole number within bounds; `None` only when absent without a default, or a problem.
    pub fn number<T>(&self, key: &'static str, least: T, most: T) -> Option<T>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let allowed = format!("a whole number from {least} to {most}");
        self.parsed(key, &allowed, |value| {
            value
                .parse()
                .ok()
                .filter(|number| (least..=most).contains(number))
        })
    }

    /// A span of time: `10s`, `500ms`, `2m`, or a plain number of seconds.
    pub fn duration(&self, key: &'static str, least: Duration, most: Duration) -> Option<Duration> {
        let allowed = format!("a time from {least:?} to {most:?}, such as 500ms, 10s or 2m");
        self.parsed(key, &allowed, |value| {
            parse_duration(value).filter(|duration| (least..=most).contains(duration))
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.parsed(key, &format!("one of {}", words.join(", ")), |value| {
            choices
                .iter()
                .find(|(word, _)| *word == value)
                .map(|(_, choice)| *choice)
        })
    }

    /// A value that `parse` takes; `allowed` says which those are.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.text(key)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            let name = self.name(key);
            self.problem(format_args!("`{name}` is `{value}`: it must be {allowed}"));
        }
        parsed
    }

    /// The name by which an option was set; its own when it was not.
    pub fn name(&self, key: &'static str) -> &'static str {
        self.set(key).map_or(key, |(name, _)| name)
    }

    /// Notes a problem; the start will fail.
    pub fn problem(&self, problem: impl Display) {
        self.problems.borrow_mut().push(problem.to_string());
    }

    /// Every problem found; empty when the values can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems.borrow().clone()
    }

    /// Notes an option that has no effect beside the others that are set.
    pub fn idle(&self, key: &str, why: impl Display) {
        let line = format!("`{key}` has no effect here: {why}");
        self.idle.borrow_mut().push(line);
    }

    /// A line for each key that is set and has no effect: options noted as [`idle`](Self::idle), and
    /// keys that no option has, as far as they can be guessed: those of `foreign`, and each option of
    /// ours with one slip in it.
    #[must_use]
    pub fn unknown(&self, foreign: &[(&str, &str)]) -> Vec<String> {
        let is_set = |key: &str| (self.source)(key).is_some();
        let foreign = foreign
            .iter()
            .filter(|(key, _)| is_set(key))
            .map(|(key, advice)| format!("`{key}` has no effect here: {advice}"));
        let slips = self.specs.iter().flat_map(|spec| {
            let slips = slips(spec.key).into_iter();
            slips
                .filter(|slip| !self.is_key(slip) && is_set(slip))
                .map(|slip| {
                    format!(
                        "`{slip}` is no option and has no effect: is `{}` meant?",
                        spec.key
                    )
                })
        });
        let idle = self.idle.borrow();
        idle.iter().cloned().chain(foreign).chain(slips).collect()
    }

    fn is_key(&self, key: &str) -> bool {
        self.specs.iter().any(|spec| spec.key == key)
    }

    fn spec(&self, key: &str) -> &'static Spec {
        self.specs
            .iter()
            .find(|spec| spec.key == key)
            .unwrap_or_else(|| unreachable!("`{key}` is read but stands in no table"))
    }
}

/// A number with the unit `ms`, `s`, `m` or `h`; seconds without one.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

/// A key with one slip: a letter left out, two letters exchanged, another separator, a plural.
fn slips(key: &str) -> Vec<String> {
    let mut slips = vec![
        key.replace('-', "_"),
        key.replace('_', "-"),
        key.replace('_', "."),
        key.replace('_', ""),
    ];
    slips.push(format!("{key}s"));
    slips.extend(key.strip_suffix('s').map(str::to_owned));
    for at in 0..key.len() {
        slips.push([&key[..at], &key[at + 1..]].concat());
        if at + 1 < key.len() {
            let (left, right) = (&key[at..=at], &key[at + 1..at + 2]);
            slips.push([&key[..at], right, left, &key[at + 2..]].concat());
        }
    }
    slips.sort_unstable();
    slips.dedup();
    slips.retain(|slip| slip != key);
    slips
}

#[cfg(test)]
mod tests;
