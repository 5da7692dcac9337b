//! What came of scripts.

use std::fmt;

/// Sums over scripts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Scripts played.
    pub scripts: usize,
    /// Events logged.
    pub events: usize,
    /// Events the service does not hold.
    pub lost: usize,
    /// Events it holds more often than they were logged, with no answer lost.
    pub duplicated: usize,
    /// Events it holds more often after an answer was lost.
    pub ambiguous: usize,
    /// Flushes that were answered later than they may be.
    pub hung: usize,
    /// Workers that panicked.
    pub crashed: usize,
    /// Flushes that asked for their chunk again.
    pub retries: usize,
}

impl Tally {
    /// A worker that panicked.
    #[must_use]
    pub fn crash() -> Self {
        Self {
            crashed: 1,
            ..Self::default()
        }
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.scripts += other.scripts;
        self.events += other.events;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.ambiguous += other.ambiguous;
        self.hung += other.hung;
        self.crashed += other.crashed;
        self.retries += other.retries;
    }

    /// Whether every promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.hung + self.crashed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scripts,
            events,
            lost,
            duplicated,
            ambiguous,
            hung,
            crashed,
            retries: _,
        } = self;
        write!(
            f,
            "scripts={scripts} events={events} lost={lost} duplicated={duplicated} ambiguous={ambiguous} hung={hung} crashed={crashed}"
        )
    }
}
