//! A chunk that comes again -> the events of it that are left.

use std::sync::Arc;
use std::time::Instant;

use cbindings::{Flush, Verdict};

use crate::ledger::{Ledger, Left};
use crate::metrics::table::Id;
use crate::notice::Kind;
use crate::report::Report;
use crate::watch::Watch;

/// Remembers between an instance's flushes what of a chunk was accepted.
#[derive(Debug)]
pub struct Resume {
    ledger: Ledger,
    watch: Watch,
}

impl Resume {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self {
            ledger: Ledger::default(),
            watch,
        }
    }

    /// What is left of a chunk that was tried before; `None` for a chunk that is new.
    #[must_use]
    pub fn begin(&self, flush: &Flush) -> Option<Arc<Left>> {
        let left = self
            .ledger
            .take(flush.tag(), flush.chunk(), Instant::now())?;
        self.watch.metrics.add(Id::Resumes, 1);
        self.watch.debug(format_args!(
            "a chunk comes again: only what is left of it is sent"
        ));
        Some(Arc::new(left))
    }

    /// The verdict on a chunk; for one that will come again, what is left of it is noted.
    #[must_use]
    pub fn end(&self, flush: &Flush, resumed: bool, report: Report) -> Verdict {
        let verdict = report.verdict();
        // A chunk of which nothing was settled comes again whole: there is nothing to remember.
        let settled = report.accepted + report.dropped + report.refused > 0;
        if verdict == Verdict::Retry && (resumed || settled) {
            let left = Left::new(report.left);
            self.ledger
                .note(flush.tag(), flush.chunk(), left, Instant::now());
        }
        self.say_of_forgotten(self.ledger.forgotten());
        verdict
    }

    fn say_of_forgotten(&self, count: usize) {
        let kind = Kind {
            what: "forgotten",
            part: "",
            unit: "chunks",
        };
        self.watch.metrics.add(Id::Forgotten, count);
        self.watch.warn(kind, count, format_args!(
            "{count} chunks that were delivered in part had to be forgotten: they will be sent whole, so some of their events twice"
        ));
    }
}
