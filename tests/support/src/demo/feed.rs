//! The containers at work: they write their lines, and their log drivers send them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::chaos::{self, Chaos};
use super::driver::{Driver, Sent};
use super::ledger::Ledger;
use super::lines::Lines;
use super::live::Live;
use super::pause::Pause;
use super::router::{Entrance, Router};
use super::samples::{Sample, Samples};
use super::task::Task;
use super::timeline::Offered;
use crate::aws::{Account, StandIn};
use crate::chunk::Container;

/// Lines on their way to AWS.
pub(super) struct Feed<'d> {
    aws: &'d StandIn,
    lines: &'d Lines,
    containers: Vec<Container>,
    /// The name of the container that writes the poisoned line.
    poisoned: Option<String>,
    chaos: Option<&'d Chaos>,
    sent: AtomicUsize,
    over: AtomicBool,
    /// Where the writers wait while the router is reloaded.
    pub(super) pause: Pause,
    /// What was written when.
    pub(super) offered: Offered,
}

/// What the containers wrote.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// All records that must arrive.
    pub(super) ledger: Ledger,
    /// How many there are of each container.
    pub(super) counts: Vec<(Container, usize)>,
    /// Some lines of each container.
    pub(super) samples: Vec<Sample>,
}

impl<'d> Feed<'d> {
    pub(super) fn new(
        aws: &'d StandIn,
        lines: &'d Lines,
        task: &Task,
        chaos: Option<&'d Chaos>,
    ) -> Self {
        let containers: Vec<_> = task.containers().collect();
        let mut to_logs = containers.iter();
        let poisoned = to_logs.find(|container| task.output(container).0 == "cloudwatch");
        Self {
            aws,
            lines,
            poisoned: poisoned.map(|container| container.name.clone()),
            chaos,
            sent: AtomicUsize::new(0),
            pause: Pause::of(containers.len()),
            containers,
            over: AtomicBool::new(false),
            offered: Offered::new(),
        }
    }

    /// Has every container write all lines, and returns what was written. Without faults it waits until
    /// as much has arrived, but no more when nothing arrives for a while.
    pub(super) fn run(&self, router: &Router) -> Result<Written, Failure> {
        let (watched, played, written) = thread::scope(|scope| {
            let writer = |container| scope.spawn(move || self.write(container, router));
            let writers: Vec<_> = self.containers.iter().map(writer).collect();
            let play = |chaos: &'d Chaos| scope.spawn(move || chaos.play(self.aws, self, router));
            let play = self.chaos.map(play);
            let watched = self.watch(router);
            self.over.store(true, Ordering::Relaxed);
            let written = writers.into_iter().map(|writer| writer.join());
            let written: Vec<_> = written
                .map(|end| end.expect("a writer never panics"))
                .collect();
            let played = play.map(|play| play.join().expect("the faults never panic"));
            (watched, played, written)
        });
        watched?;
        played.transpose()?;
        let mut all = Written::default();
        for (container, written) in self.containers.iter().zip(written) {
            let (ledger, samples) = written?;
            all.counts.push((container.clone(), ledger.count()));
            all.samples.extend(samples.take());
            all.ledger += ledger;
        }
        Ok(all)
    }

    /// The container whose line is poisoned in a run with faults.
    pub(super) fn poisoned(&self) -> Option<&str> {
        self.chaos.and(self.poisoned.as_deref())
    }

    fn write(&self, container: &Container, router: &Router) -> Result<(Ledger, Samples), Failure> {
        let written = self.write_lines(container, router);
        self.pause.leave();
        written
    }

    fn write_lines(
        &self,
        container: &Container,
        router: &Router,
    ) -> Result<(Ledger, Samples), Failure> {
        let mut entrance = Some(router.entrance(container)?);
        let mut driver = Driver::of(container);
        let (mut ledger, mut samples) = (Ledger::default(), Samples::default());
        let poison_at = (self.poisoned() == Some(container.name.as_str()))
            .then(|| (self.lines.count() as f64 * chaos::POISON_AFTER) as usize);
        let (began, mut number) = (Instant::now(), 0);
        self.lines.each(|line| {
            self.await_turn(began, number);
            if self.pause.is_wanted() {
                self.reconnect(container, router, &mut entrance)?;
            }
            let entrance = entrance.as_mut().expect("a connection");
            if poison_at == Some(number) {
                // It is not in the ledger: that it is stored nowhere is a part of the account.
                let poisoned = driver.records(chaos::POISON.as_bytes());
                self.send(&mut **entrance, poisoned)?;
            }
            number += 1;
            let records = driver.records(line);
            for sent in &records {
                ledger.note_sent(container, sent.millis, &sent.fields);
                samples.see(container, line, sent);
            }
            self.send(&mut **entrance, records)
        })?;
        entrance.map_or(Ok(()), Entrance::close)?;
        Ok((ledger, samples))
    }

    fn send(&self, entrance: &mut dyn Entrance, records: Vec<Sent>) -> io::Result<()> {
        for sent in records {
            entrance.take(sent).map_err(io::Error::other)?;
            self.offered.add();
            self.pace(self.sent.fetch_add(1, Ordering::Relaxed))?;
        }
        Ok(())
    }

    /// In a run with faults the lines are written over its whole time.
    fn await_turn(&self, began: Instant, number: usize) {
        if self.chaos.is_some() {
            let part = number as f64 / self.lines.count() as f64;
            let turn = began + chaos::DURATION.mul_f64(part);
            thread::sleep(turn.saturating_duration_since(Instant::now()));
        }
    }

    /// Hands over what is on its way, is quiet while the router is reloaded, and connects again.
    fn reconnect<'r>(
        &self,
        container: &Container,
        router: &'r Router,
        entrance: &mut Option<Box<dyn Entrance + 'r>>,
    ) -> io::Result<()> {
        let closed = entrance.take().map_or(Ok(()), Entrance::close);
        self.pause.wait();
        closed.map_err(io::Error::other)?;
        *entrance = Some(router.entrance(container).map_err(io::Error::other)?);
        Ok(())
    }

    /// Docker's driver drops lines when its queue is full; this one waits for the router instead.
    fn pace(&self, sent: usize) -> io::Result<()> {
        let near = |account: &Account| self.arrived(account) + UNDER_WAY >= sent;
        while !self.aws.wait_for(near, TICK) {
            if self.over.load(Ordering::Relaxed) {
                return Err(io::Error::other("nothing arrives any more"));
            }
        }
        Ok(())
    }

    /// Shows the progress until everything has arrived or nothing does any more. With faults, until
    /// everything is written: what is on its way then is delivered while the router stops.
    fn watch(&self, router: &Router) -> Result<(), Failure> {
        let (mut last, mut last_at) = (0, Instant::now());
        let live = Live::new(self.offered.began());
        while !self.aws.wait_for(|account| self.is_done(account), TICK) {
            router.check()?;
            let arrived = self.aws.look(|account| self.arrived(account));
            let sent = self.sent.load(Ordering::Relaxed);
            live.show(self.aws, sent, arrived, self.chaos);
            if arrived > last {
                (last, last_at) = (arrived, Instant::now());
            } else if last_at.elapsed() > PATIENCE {
                break;
            }
        }
        live.end();
        Ok(())
    }

    fn is_done(&self, account: &Account) -> bool {
        self.pause.writers() == 0
            && (self.chaos.is_some() || self.arrived(account) >= self.sent.load(Ordering::Relaxed))
    }

    fn arrived(&self, account: &Account) -> usize {
        let tallies = [
            account.events_tally(),
            account.records_tally(),
            account.kinesis_total(),
        ];
        let count: u64 = tallies.iter().map(|tally| tally.count).sum();
        let deleted = self.chaos.map_or(0, Chaos::deleted_events);
        usize::try_from(count).expect("64 bits") + deleted
    }
}

/// Records sent that have not arrived, at most: what a router's buffers hold with ease.
const UNDER_WAY: usize = 20_000;
/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(1);
/// Without any arrival. Longer than the pauses between a host's retries.
const PATIENCE: Duration = Duration::from_secs(40);
