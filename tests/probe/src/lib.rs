//! `libprobe.so`: a plugin that does what its options say, for the tests of the boundary.
//!
//! `open` = `refuse`, `panic` or a line to write, `lines` = how many more to write in open,
//! `threads` = how many to start where flushes cannot yield, `flush` = one of the [`Act`]s, `close` = `panic`,
//! `metrics` = anything, to hear whether the host shows them,
//! `echo` = a file that gets each flush's tag and chunk.

mod act;
mod count;

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use cbindings::{Flush, Log, Metrics, Output, Settings};

use act::Act;
use count::Flushes;

struct Probe {
    act: Act,
    jobs: Sender<Flush>,
    worker: JoinHandle<()>,
    panic_in_close: bool,
    workers: u32,
    flushes: Arc<Flushes>,
    /// Where it says whether metrics are shown, if it shall.
    tell: Option<Log>,
}

cbindings::export!(Probe);

impl Output for Probe {
    const NAME: &'static CStr = c"probe";
    const DESCRIPTION: &'static CStr = c"Does what its options say";

    fn open(settings: &Settings, log: &Log) -> Option<Self> {
        open_as_told(settings, log)?;
        write_lines(settings, log);
        let act = Act::parse(&settings.option("flush").unwrap_or_default(), log)?;
        let echo = settings
            .option("echo")
            .map(|path| Mutex::new(appending(&path)));
        let (jobs, orders) = mpsc::channel();
        let worker = thread::spawn({
            let log = log.clone();
            move || work(&orders, act, echo.as_ref(), &log)
        });
        let panic_in_close = settings.option("close").as_deref() == Some("panic");
        Some(Self {
            act,
            jobs,
            worker,
            panic_in_close,
            workers: workers(settings),
            flushes: Arc::default(),
            tell: settings.option("metrics").map(|_| log.clone()),
        })
    }

    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        Some(self.flushes.clone())
    }

    fn metrics_are_shown(&self, shown: bool) {
        if let Some(log) = &self.tell {
            log.info(format_args!("metrics are shown: {shown}"));
        }
    }

    fn worker_threads(&self) -> u32 {
        self.workers
    }

    fn flush(&self, flush: Flush) {
        self.flushes.add();
        assert!(
            self.act != Act::PanicAtOnce,
            "told to panic on the host's stack"
        );
        if self.act == Act::RecurseAtOnce {
            act::recurse();
        }
        self.jobs.send(flush).expect("the worker lives until close");
        assert!(
            self.act != Act::PanicAfterHandOver,
            "told to panic with the chunk handed over"
        );
    }

    fn close(self) {
        drop(self.jobs);
        self.worker.join().expect("the worker catches its panics");
        assert!(!self.panic_in_close, "told to panic in close");
    }
}

fn open_as_told(settings: &Settings, log: &Log) -> Option<()> {
    match settings.option("open").as_deref() {
        Some("panic") => panic!("told to panic in open"),
        Some("refuse") => {
            log.error(format_args!("told to refuse"));
            None
        }
        Some(line) => {
            log.info(format_args!("{line}, as {}", settings.name()));
            Some(())
        }
        None => Some(()),
    }
}

fn workers(settings: &Settings) -> u32 {
    let count = settings.option("threads");
    count.map_or(0, |count| count.parse().expect("threads is a number"))
}

fn write_lines(settings: &Settings, log: &Log) {
    let Some(count) = settings.option("lines") else {
        return;
    };
    let count: usize = count.parse().expect("lines is a number");
    (0..count).for_each(|line| log.info(format_args!("line {line}")));
}

fn work(orders: &Receiver<Flush>, act: Act, echo: Option<&Mutex<File>>, log: &Log) {
    let mut held = Vec::new();
    for flush in orders {
        let flush = match act.hold(flush, &mut held) {
            Some(flush) => flush,
            None => continue,
        };
        if let Some(file) = echo {
            write_down(file, &flush);
        }
        act.on(flush, log);
    }
}

/// Tag and chunk, each after its length in eight bytes.
fn write_down(file: &Mutex<File>, flush: &Flush) {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    for part in [flush.tag(), flush.chunk()] {
        file.write_all(&part.len().to_be_bytes())
            .expect("the echo file is writable");
        file.write_all(part).expect("the echo file is writable");
    }
}

fn appending(path: &str) -> File {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.unwrap_or_else(|problem| panic!("echo {path}: {problem}"))
}
