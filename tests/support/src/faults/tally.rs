//! What came of scripts.

use std::fmt;
use std::time::Duration;

/// Sums over scripts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Scripts played.
    pub scripts: usize,
    /// Events logged.
    pub events: usize,
    /// Events that the service does not hold and would have accepted.
    pub lost: usize,
    /// Events that it does not hold and accepts in no request.
    pub poisoned: usize,
    /// Events it holds more often than they were logged, though every answer arrived.
    pub duplicated: usize,
    /// Events it holds more often for each request whose answer was lost.
    pub ambiguous: usize,
    /// Flushes that were answered and sections that were closed too late, and chunks that were never done.
    pub hung: usize,
    /// Workers that panicked, and lines that tell of a panic in a plugin.
    pub crashed: usize,
    /// Flushes that asked for their chunk again.
    pub retries: usize,
    /// How long after its deadline the latest flush was answered.
    pub latest: Duration,
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
        self.poisoned += other.poisoned;
        self.duplicated += other.duplicated;
        self.ambiguous += other.ambiguous;
        self.hung += other.hung;
        self.crashed += other.crashed;
        self.retries += other.retries;
        self.latest = self.latest.max(other.latest);
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
            poisoned: _,
            retries: _,
            latest: _,
        } = self;
        write!(
            f,
            "scripts={scripts} events={events} lost={lost} duplicated={duplicated} ambiguous={ambiguous} hung={hung} crashed={crashed}"
        )
    }
}
