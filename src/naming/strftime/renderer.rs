//! A format that remembers the second it rendered last.
//!
//! Records come by the thousand within one second, and then only the digits
//! of the fraction differ: those are overwritten in the remembered text.

use super::{Format, Zone};
use crate::naming::strftime::broken_down_time::BrokenDownTime;
use crate::naming::strftime::directive::overwrite_fraction;

/// A format and a zone with a cache; owned by whoever renders, one per thread.
#[derive(Clone, Debug)]
pub struct Renderer {
    format: Format,
    zone: Zone,
    /// The time that `text` shows.
    shown: Option<(i64, u32)>,
    text: Vec<u8>,
    /// Where `text` has digits of the fraction, and how many.
    fractions: Vec<(usize, u8)>,
}

impl Renderer {
    /// Prepares to render times in a zone.
    pub fn new(format: Format, zone: Zone) -> Self {
        Self {
            format,
            zone,
            shown: None,
            text: Vec::new(),
            fractions: Vec::new(),
        }
    }

    /// Appends the text of a time, exactly as [`Format::render`] would.
    pub fn render(&mut self, secs: i64, nanos: u32, out: &mut Vec<u8>) {
        match self.shown {
            Some((second, fraction)) if second == secs => {
                if fraction != nanos {
                    self.overwrite(nanos);
                }
            }
            _ => self.rewrite(secs, nanos),
        }
        self.shown = Some((secs, nanos));
        out.extend_from_slice(&self.text);
    }

    fn overwrite(&mut self, nanos: u32) {
        for &(start, digits) in &self.fractions {
            let end = start + usize::from(digits);
            overwrite_fraction(nanos.min(999_999_999), &mut self.text[start..end]);
        }
    }

    fn rewrite(&mut self, secs: i64, nanos: u32) {
        let Self {
            format,
            zone,
            text,
            fractions,
            ..
        } = self;
        text.clear();
        fractions.clear();
        let moment = BrokenDownTime::at(secs, nanos, zone);
        format.write(&moment, text, |start, digits| {
            fractions.push((start, digits))
        });
    }
}
