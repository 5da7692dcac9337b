//! Time text: `%Y-%m-%dT%H:%M:%S.%L`, parsed once, rendered per record.
//!
//! One language for both plugin families: what the Go plugins know, plus what
//! a C library's `strftime` knows without a locale. `%L` is milliseconds, as
//! in Go; the C plugin prints nanoseconds there, for which `%9N` is the
//! unambiguous spelling (`%3N` and `%6N` work too). Names are English.
//!
//! The calendar is computed here, because a record's time must never fail:
//! any 64-bit second has a date, also before 1970 and after 9999. Only the
//! offset of a local zone comes from the zone's own rules, see [`Zone`].

mod broken_down_time;
mod directive;
mod parse;
mod renderer;
mod zone;

use std::fmt;

pub use renderer::Renderer;
pub use zone::Zone;

use broken_down_time::BrokenDownTime;
use directive::Directive;

/// A time format that has been understood.
#[derive(Clone, Debug)]
pub struct Format {
    pieces: Box<[Directive]>,
}

impl Format {
    /// Reads a format such as `%Y-%m-%d`.
    ///
    /// Unknown specifiers, a `%` with nothing after it and an empty format are
    /// problems: Go's answer to the first two is the same, while C would print
    /// them as they stand and leave the mistake in the data.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let pieces = parse::pieces(text)?.into();
        Ok(Self { pieces })
    }

    /// Appends the text of a time: seconds since 1970 and the nanoseconds of
    /// that second (more than 999,999,999 count as that many).
    pub fn render(&self, secs: i64, nanos: u32, zone: &Zone, out: &mut Vec<u8>) {
        self.write(&BrokenDownTime::at(secs, nanos, zone), out, |_, _| ());
    }

    /// Renders and tells where each fraction of a second went: offset in `out`, digits.
    fn write(
        &self,
        moment: &BrokenDownTime<'_>,
        out: &mut Vec<u8>,
        mut fraction: impl FnMut(usize, u8),
    ) {
        for piece in &self.pieces {
            if let Directive::Fraction(digits) = piece {
                fraction(out.len(), *digits);
            }
            piece.write(moment, out);
        }
    }
}

/// What is wrong with a format or a template, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The place, counted in characters from 1.
    pub column: usize,
    /// One sentence: what is wrong there and what is allowed.
    pub sentence: String,
}

impl Problem {
    /// Describes a problem at a byte offset of `text`.
    pub(crate) fn at(text: &str, offset: usize, sentence: String) -> Self {
        let column = text[..offset].chars().count() + 1;
        Self { column, sentence }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.sentence)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests;
