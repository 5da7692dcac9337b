//! Plays a script as Fluent Bit does: failed chunks are flushed again, also by the next section after an
//! end in the middle.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cbindings::abi::{FLB_OK, FLB_RETRY};
use cbindings::host::{ABANDONED, Flushed, Instance, Section};

use super::balance::Balance;
use super::logged::Logged;
use super::script::{Script, Stop};
use super::{Tally, flush_timeout};
use crate::aws::StandIn;
use crate::chunk::Chunk;
use crate::host::PluginHost;

/// A script that is being played.
pub(super) struct Play<'a> {
    script: &'a Script,
    host: &'a PluginHost,
    service: &'a StandIn,
    directory: PathBuf,
    generation: usize,
    chunks: Vec<Kept<'a>>,
    balance: Balance,
    answers: (Sender<Answer>, Receiver<Answer>),
    tally: Tally,
    lines: Vec<String>,
}

/// A chunk that the host keeps until it is delivered.
struct Kept<'a> {
    logged: &'a Logged,
    bytes: Chunk,
    state: State,
    retries: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// It is flushed at this time.
    Waiting(Instant),
    /// It has been in a flush since.
    Flushing(Instant),
    Done,
}

/// The answer of a flush: of which chunk, when, and what.
type Answer = (usize, Instant, Flushed);

impl<'a> Play<'a> {
    /// Plays a script to its end.
    ///
    /// # Panics
    ///
    /// When the plugin refuses its options.
    pub(super) fn of(script: &'a Script, host: &'a PluginHost, service: &'a StandIn) -> Tally {
        let folder = format!("faults-{}-{}", std::process::id(), script.seed);
        let directory = std::env::temp_dir().join(folder);
        let mut balance = Balance::default();
        let texts = script.chunks.iter().flat_map(Logged::texts);
        texts.for_each(|text| balance.add(text));
        let now = now_millis();
        let kept = |logged: &'a Logged| Kept {
            logged,
            bytes: logged.chunk(script.layout, now),
            state: State::Done,
            retries: 0,
        };
        let mut chunks: Vec<_> = script.chunks.iter().map(kept).collect();
        let at_once = State::Waiting(Instant::now());
        chunks.iter_mut().for_each(|chunk| chunk.state = at_once);
        let mut play = Self {
            script,
            host,
            service,
            directory,
            generation: 0,
            chunks,
            balance,
            answers: mpsc::channel(),
            tally: Tally::default(),
            lines: Vec::new(),
        };
        script.prepare(service);
        play.play_on();
        play.result()
    }

    fn play_on(&mut self) {
        let end = Instant::now() + PATIENCE;
        for stop in &self.script.stops {
            let instance = self.open();
            self.flush_until(&instance, end.min(Instant::now() + stop.after));
            self.stop(instance, *stop);
        }
        let instance = self.open();
        self.flush_until(&instance, end);
        self.tally.hung += self.left().count();
        self.exit(instance);
    }

    fn result(self) -> Tally {
        let stored = self.script.stored(self.service);
        let mut tally = self.balance.close(self.service, stored);
        self.script.end(self.service);
        tally.add(&self.tally);
        tally.crashed += self
            .lines
            .iter()
            .filter(|line| tells_of_a_panic(line))
            .count();
        // A script without `resume_path`, or that ended before the first note, has none.
        let _ = fs::remove_dir_all(&self.directory);
        if !tally.is_clean() {
            let Self { script, lines, .. } = self;
            let seed = script.seed;
            eprintln!("seed {seed} (play it again with `faults 1 {seed}`): {tally} {script:?}");
            lines.iter().for_each(|line| eprintln!("  {line}"));
        }
        tally
    }

    fn open(&self) -> Instance {
        let directory = self.notes();
        let options = self
            .script
            .options(self.service, &directory, flush_timeout());
        let section = Section::new(options).log_level(cbindings::Level::Debug as i32);
        let opened = self.host.library().instance(section);
        opened.unwrap_or_else(|refused| panic!("refused: {:#?}", refused.lines))
    }

    /// The directory of this section's `resume_path`.
    fn notes(&self) -> PathBuf {
        self.directory.join(self.generation.to_string())
    }

    /// Flushes what waits until all is done or the time has come.
    fn flush_until(&mut self, instance: &Instance, end: Instant) {
        loop {
            let now = Instant::now();
            if now >= end || self.left().next().is_none() {
                return;
            }
            for index in 0..self.chunks.len() {
                if matches!(self.chunks[index].state, State::Waiting(due) if due <= now) {
                    self.begin_flush(instance, index);
                }
            }
            let due = self.chunks.iter().filter_map(Kept::due);
            let next = due.fold(end, Instant::min);
            let patience = next.saturating_duration_since(Instant::now());
            if let Ok(answer) = self.answers.1.recv_timeout(patience) {
                self.take(answer);
            }
        }
    }

    fn begin_flush(&mut self, instance: &Instance, index: usize) {
        let chunk = &mut self.chunks[index];
        chunk.state = State::Flushing(Instant::now());
        let pending = instance.begin_flush("tag", &chunk.bytes);
        let answers = self.answers.0.clone();
        thread::spawn(move || {
            let flushed = pending.wait();
            // A play that has panicked waits for no answer.
            let _ = answers.send((index, Instant::now(), flushed));
        });
    }

    fn take(&mut self, (index, at, flushed): Answer) {
        let State::Flushing(began) = self.chunks[index].state else {
            unreachable!("an answer without a flush");
        };
        if flushed.code != FLB_OK {
            self.balance.gave_up(self.chunks[index].logged.number, at);
        }
        self.chunks[index].state = match flushed.code {
            FLB_OK => State::Done,
            FLB_RETRY => self.again(index),
            ABANDONED => State::Waiting(at),
            // The host gives the chunk up: what is missing of it is lost.
            _ => State::Done,
        };
        if flushed.code != ABANDONED {
            let in_turn = self.chunks.len().div_ceil(self.script.concurrency);
            let allowed = flush_timeout() * u32::try_from(in_turn).expect("few chunks");
            let late = at.saturating_duration_since(began + allowed);
            self.tally.latest = self.tally.latest.max(late);
            self.tally.hung += usize::from(late > LATEST_ANSWER);
        }
    }

    /// When a chunk is flushed again, unless nothing but poisoned events is left of it.
    fn again(&mut self, index: usize) -> State {
        self.tally.retries += 1;
        let chunk = &mut self.chunks[index];
        chunk.retries += 1;
        let pause = (RETRY_PAUSE * chunk.retries).min(LONGEST_PAUSE);
        let tried = chunk.logged.is_poisoned() && chunk.retries >= TRIES_OF_POISONED;
        if tried && self.only_poison_is_left() {
            return State::Done;
        }
        State::Waiting(Instant::now() + pause)
    }

    fn only_poison_is_left(&self) -> bool {
        let mut balance = Balance::default();
        self.script
            .chunks
            .iter()
            .flat_map(Logged::texts)
            .for_each(|text| balance.add(text));
        let stored = self.script.stored(self.service);
        balance.close(self.service, stored).lost == 0
    }

    /// Ends the section in the middle, and makes ready for the next one.
    fn stop(&mut self, instance: Instance, stop: Stop) {
        if stop.is_kill {
            self.balance.killed(Instant::now());
            let old = self.notes();
            self.generation += 1;
            copy(&old, &self.notes());
        }
        self.exit(instance);
        while self.in_flight() {
            let answer = self.answers.1.recv().expect("this holds a sender");
            self.take(answer);
        }
        if !self.script.resumes {
            let texts = self.left().flat_map(|chunk| chunk.logged.texts());
            let texts: Vec<_> = texts.collect();
            let stored = self.script.stored(self.service);
            self.balance.forgotten(texts.into_iter(), stored);
        }
    }

    fn exit(&mut self, instance: Instance) {
        let began = Instant::now();
        let exited = instance.exit();
        self.tally.hung += usize::from(began.elapsed() > LONGEST_EXIT);
        self.tally.crashed += usize::from(exited.code != FLB_OK);
        let texts = exited.lines.into_iter().map(|line| line.text);
        self.lines.extend(texts);
    }

    fn in_flight(&self) -> bool {
        let mut chunks = self.chunks.iter();
        chunks.any(|chunk| matches!(chunk.state, State::Flushing(_)))
    }

    fn left(&self) -> impl Iterator<Item = &Kept<'a>> {
        let chunks = self.chunks.iter();
        chunks.filter(|chunk| chunk.state != State::Done)
    }
}

impl Kept<'_> {
    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting(due) => Some(due),
            _ => None,
        }
    }
}

/// Copies the files of a directory, if there is one.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory for notes");
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    for entry in entries.flatten() {
        // A file that is gone by now held no note.
        let _ = fs::copy(entry.path(), to.join(entry.file_name()));
    }
}

fn tells_of_a_panic(line: &str) -> bool {
    line.contains("panic")
}

fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

/// Longer than any script's trouble lasts.
const PATIENCE: Duration = Duration::from_secs(90);
/// A flush may be answered this long after its deadline on a machine that is busy.
const LATEST_ANSWER: Duration = Duration::from_millis(1500);
/// A section closes in less than 2 s; on a machine that is busy a little more.
const LONGEST_EXIT: Duration = Duration::from_millis(3000);
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const TRIES_OF_POISONED: u32 = 4;
