//! The plugin host as the router: no Fluent Bit is needed.
//!
//! It takes the options of the generated configuration's outputs, and stands for the filter and the
//! buffers between input and output: metadata is added, and a chunk is flushed when it is full.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use cbindings::Level;
use cbindings::host::Generation;

use super::Failure;
use super::driver::Sent;
use super::router::Entrance;
use super::task::Task;
use crate::chunk::{Chunk, Container, Value};
use crate::host::{Instance, LogLine, PluginHost, Verdict};

/// An output for each container.
pub(super) struct PluginHosts {
    /// What opens the outputs: the container's name, the output, and its options.
    sections: Vec<(String, String, BTreeMap<String, String>)>,
    /// The outputs by container name. A delivery takes the read lock, a reload the write lock.
    outputs: RwLock<BTreeMap<String, Instance>>,
    /// The log lines of the outputs that a reload closed.
    closed: Mutex<Vec<LogLine>>,
}

impl PluginHosts {
    /// Opens the outputs.
    pub(super) fn start(task: &Task) -> Result<Self, Failure> {
        let section = |container: Container| {
            let (output, options) = task.output(&container);
            (container.name, output, options)
        };
        let hosts = Self {
            sections: task.containers().map(section).collect(),
            outputs: RwLock::default(),
            closed: Mutex::default(),
        };
        *hosts.write() = hosts.open()?;
        Ok(hosts)
    }

    fn open(&self) -> Result<BTreeMap<String, Instance>, Failure> {
        let open = |(container, output, options): &(String, String, BTreeMap<_, _>)| {
            let options: Vec<_> = options.iter().collect();
            let instance = PluginHost::load(output, Generation::V5_1).instance(&options);
            let instance =
                instance.map_err(|lines| format!("{output} refused: {}", told(&lines)))?;
            Ok((container.clone(), instance))
        };
        self.sections.iter().map(open).collect()
    }

    /// The output of a container.
    pub(super) fn entrance<'h>(&'h self, container: &Container) -> impl Entrance + use<'h> {
        Buffer {
            hosts: self,
            container: container.clone(),
            chunk: Chunk::new(),
            began: Instant::now(),
        }
    }

    /// Closes the outputs when no chunk is on its way, and opens them anew.
    pub(super) fn reload(&self) -> Result<String, Failure> {
        let mut outputs = self.write();
        let closed = std::mem::take(&mut *outputs);
        let lines = closed.into_values().flat_map(Instance::exit);
        self.closed().extend(lines);
        *outputs = self.open()?;
        Ok("reload (the outputs are closed and opened)".to_owned())
    }

    /// Closes the outputs, and returns what they warned of.
    pub(super) fn stop(self) -> Vec<String> {
        let outputs = std::mem::take(&mut *self.write());
        let mut lines = std::mem::take(&mut *self.closed());
        lines.extend(outputs.into_values().flat_map(Instance::exit));
        lines.retain(|line| matches!(line.level, Some(Level::Error | Level::Warn)));
        lines.into_iter().map(|line| line.text).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Instance>> {
        self.outputs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Instance>> {
        self.outputs.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> MutexGuard<'_, Vec<LogLine>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunk that is being filled.
struct Buffer<'h> {
    hosts: &'h PluginHosts,
    container: Container,
    chunk: Chunk,
    /// When the chunk was begun.
    began: Instant,
}

impl Buffer<'_> {
    /// Hands over a chunk, again when asked to, as Fluent Bit does.
    fn flush(&mut self) -> Result<(), Failure> {
        let chunk = std::mem::take(&mut self.chunk);
        let tag = self.container.tag();
        let outputs = self.hosts.read();
        let instance = &outputs[&self.container.name];
        let mut verdicts = (0..=RETRIES).map(|_| instance.flush(&tag, &chunk));
        match verdicts.find(|verdict| *verdict != Verdict::Retry) {
            Some(Verdict::Ok) => Ok(()),
            Some(_) => Err(format!("a chunk of {tag} was given up"))?,
            None => Err(format!(
                "a chunk of {tag} failed, and {RETRIES} retries too"
            ))?,
        }
    }
}

impl Entrance for Buffer<'_> {
    fn take(&mut self, sent: Sent) -> Result<(), Failure> {
        let Value::Map(mut fields) = sent.body() else {
            unreachable!("a record is a map")
        };
        let metadata = self.container.metadata().into_iter();
        fields.extend(metadata.map(|(key, value)| (key.into(), value.into())));
        if self.chunk.records() == 0 {
            self.began = Instant::now();
        }
        self.chunk = std::mem::take(&mut self.chunk).v2(sent.time, Value::Map(fields));
        if self.chunk.bytes().len() >= CHUNK_BYTES || self.began.elapsed() >= FLUSH {
            self.flush()?;
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), Failure> {
        if self.chunk.records() > 0 {
            self.flush()?;
        }
        Ok(())
    }
}

fn told(lines: &[LogLine]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    lines.join("; ")
}

/// Fluent Bit's chunks are of about 2 MB; smaller ones make a better show.
const CHUNK_BYTES: usize = 256 * 1024;
/// The `Flush` of the example's included file.
const FLUSH: Duration = Duration::from_secs(1);
/// The `retry_limit` of the example.
const RETRIES: usize = 4;
