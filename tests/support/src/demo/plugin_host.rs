//! The plugin host as the router: no Fluent Bit is needed.
//!
//! It takes the options of the generated configuration's outputs, and stands for the filter and the
//! buffers between input and output: metadata is added, and a chunk is flushed when it is full.

use std::collections::BTreeMap;

use cbindings::Level;
use cbindings::host::Generation;

use super::Failure;
use super::driver::Sent;
use super::router::Entrance;
use super::task::Task;
use crate::chunk::{Chunk, Container, Value};
use crate::host::{Instance, LogLine, PluginHost, Verdict};

/// An output for each container, by the container's name.
pub(super) struct PluginHosts(BTreeMap<String, Instance>);

impl PluginHosts {
    /// Opens the outputs.
    pub(super) fn start(task: &Task) -> Result<Self, Failure> {
        let open = |container: Container| {
            let (output, options) = task.output(&container);
            let options: Vec<_> = options.iter().collect();
            let instance = PluginHost::load(&output, Generation::V5_1).instance(&options);
            let instance =
                instance.map_err(|lines| format!("{output} refused: {}", told(&lines)))?;
            Ok((container.name, instance))
        };
        Ok(Self(
            task.containers().map(open).collect::<Result<_, String>>()?,
        ))
    }

    /// The output of a container.
    pub(super) fn entrance<'h>(&'h self, container: &Container) -> impl Entrance + use<'h> {
        Buffer {
            instance: &self.0[&container.name],
            container: container.clone(),
            chunk: Chunk::new(),
        }
    }

    /// Closes the outputs, and prints what they warned of.
    pub(super) fn stop(self) {
        for (container, instance) in self.0 {
            let mut lines = instance.exit();
            lines.retain(|line| matches!(line.level, Some(Level::Error | Level::Warn)));
            if !lines.is_empty() {
                println!("output of {container}: {}", told(&lines));
            }
        }
    }
}

/// The chunk that is being filled.
struct Buffer<'h> {
    instance: &'h Instance,
    container: Container,
    chunk: Chunk,
}

impl Buffer<'_> {
    /// Brings a chunk again when asked to, as the host does.
    fn flush(&mut self) -> Result<(), Failure> {
        let chunk = std::mem::take(&mut self.chunk);
        let tag = self.container.tag();
        let mut verdicts = (0..=RETRIES).map(|_| self.instance.flush(&tag, &chunk));
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
        self.chunk = std::mem::take(&mut self.chunk).v2(sent.time, Value::Map(fields));
        if self.chunk.bytes().len() >= CHUNK_BYTES {
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
/// The `retry_limit` of the example.
const RETRIES: usize = 4;
