//! The containers at work: they write their lines, and their log drivers send them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::driver::Driver;
use super::ledger::Ledger;
use super::lines::Lines;
use super::router::Router;
use super::task::Task;
use crate::aws::{Account, StandIn};
use crate::chunk::Container;

/// Lines on their way to AWS.
pub(super) struct Feed<'d> {
    aws: &'d StandIn,
    lines: &'d Lines,
    containers: Vec<Container>,
    sent: AtomicUsize,
    writing: AtomicUsize,
    over: AtomicBool,
}

impl<'d> Feed<'d> {
    pub(super) fn new(aws: &'d StandIn, lines: &'d Lines, task: &Task) -> Self {
        let containers: Vec<_> = task.containers().collect();
        Self {
            aws,
            lines,
            sent: AtomicUsize::new(0),
            writing: AtomicUsize::new(containers.len()),
            containers,
            over: AtomicBool::new(false),
        }
    }

    /// Has every container write all lines, waits until as much has arrived, and returns what was
    /// sent. It waits no more when nothing arrives for a while.
    pub(super) fn run(self, router: &Router) -> Result<Ledger, Failure> {
        let (watched, written) = thread::scope(|scope| {
            let feed = &self;
            let writer = |container| scope.spawn(move || feed.write(container, router));
            let writers: Vec<_> = self.containers.iter().map(writer).collect();
            let watched = self.watch(router);
            self.over.store(true, Ordering::Relaxed);
            let written = writers.into_iter().map(|writer| writer.join());
            let written: Vec<_> = written
                .map(|end| end.expect("a writer never panics"))
                .collect();
            (watched, written)
        });
        watched?;
        let ledgers = written.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(ledgers.into_iter().sum())
    }

    fn write(&self, container: &Container, router: &Router) -> Result<Ledger, Failure> {
        let ledger = self.write_lines(container, router);
        self.writing.fetch_sub(1, Ordering::Relaxed);
        ledger
    }

    fn write_lines(&self, container: &Container, router: &Router) -> Result<Ledger, Failure> {
        let mut entrance = router.entrance(container)?;
        let mut driver = Driver::of(container);
        let mut ledger = Ledger::default();
        self.lines.each(|line| {
            for sent in driver.records(line) {
                ledger.note_sent(container, sent.millis, &sent.fields);
                entrance.take(sent).map_err(io::Error::other)?;
                self.pace(self.sent.fetch_add(1, Ordering::Relaxed))?;
            }
            Ok(())
        })?;
        entrance.close()?;
        Ok(ledger)
    }

    /// Docker's driver drops lines when its queue is full; this one waits for the router instead.
    fn pace(&self, sent: usize) -> io::Result<()> {
        let near = |account: &Account| arrived(account) + UNDER_WAY >= sent;
        while !self.aws.wait_for(near, TICK) {
            if self.over.load(Ordering::Relaxed) {
                return Err(io::Error::other("nothing arrives any more"));
            }
        }
        Ok(())
    }

    /// Tells of the progress until everything has arrived or nothing does any more.
    fn watch(&self, router: &Router) -> Result<(), Failure> {
        let (mut last, mut last_at) = (0, Instant::now());
        while !self.aws.wait_for(|account| self.is_done(account), TICK) {
            router.check()?;
            let arrived = self.aws.look(arrived);
            println!(
                "{} sent, {arrived} arrived",
                self.sent.load(Ordering::Relaxed)
            );
            if arrived > last {
                (last, last_at) = (arrived, Instant::now());
            } else if last_at.elapsed() > PATIENCE {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self, account: &Account) -> bool {
        self.writing.load(Ordering::Relaxed) == 0
            && arrived(account) >= self.sent.load(Ordering::Relaxed)
    }
}

fn arrived(account: &Account) -> usize {
    let tallies = [
        account.events_tally(),
        account.records_tally(),
        account.kinesis_total(),
    ];
    let count: u64 = tallies.iter().map(|tally| tally.count).sum();
    usize::try_from(count).expect("64 bits")
}

/// Records sent that have not arrived, at most: what a router's buffers hold with ease.
const UNDER_WAY: usize = 20_000;
/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(1);
/// Without any arrival. Longer than the pauses between a host's retries.
const PATIENCE: Duration = Duration::from_secs(40);
