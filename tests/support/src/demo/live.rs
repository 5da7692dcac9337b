//! The line that shows how far the demo is.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use super::chaos::Chaos;
use super::timeline::in_retry;
use crate::aws::StandIn;

/// A line that is written over itself on a terminal, and once a second elsewhere.
pub(super) struct Live {
    began: Instant,
    on_terminal: bool,
}

impl Live {
    pub(super) fn new(began: Instant) -> Self {
        Self {
            began,
            on_terminal: io::stdout().is_terminal(),
        }
    }

    /// Shows the state of now.
    pub(super) fn show(&self, aws: &StandIn, sent: usize, arrived: usize, chaos: Option<&Chaos>) {
        let seconds = self.began.elapsed().as_secs();
        let lacking = sent.saturating_sub(arrived);
        let retry = aws.look(|account| in_retry(account, lacking));
        let mut line =
            format!("{seconds:>3} s: {sent} sent, {arrived} delivered, {retry} in retry");
        let fault = chaos.map(Chaos::now).unwrap_or_default();
        if !fault.is_empty() {
            line += &format!(" ({fault})");
        }
        if self.on_terminal {
            print!("\r\x1b[K{line}");
            // Where it cannot be written, nobody sees it.
            let _ = io::stdout().flush();
        } else {
            println!("{line}");
        }
    }

    /// Leaves the last line where it is.
    pub(super) fn end(&self) {
        if self.on_terminal {
            println!();
        }
    }
}
