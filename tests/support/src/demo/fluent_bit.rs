//! A real Fluent Bit as the router.

mod process;

use std::env;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cbindings::PREFIX;

use process::{get, number, patiently, version};

use super::Failure;
use super::driver::Sent;
use super::router::{Entrance, Metrics};
use super::task::Task;
use crate::chunk::Container;
use crate::host::built;

/// A running Fluent Bit. Dropping it kills it.
pub(super) struct FluentBit {
    process: Mutex<Child>,
    socket: PathBuf,
    log: PathBuf,
    version: String,
    number: (u32, u32),
    metrics_port: u16,
}

/// The Fluent Bit that `FLUENT_BIT` names or that is on `PATH`; none when `FLUENT_BIT` is empty.
///
/// # Errors
///
/// When `FLUENT_BIT` names a file that is not there.
pub fn program() -> Result<Option<PathBuf>, Failure> {
    let Some(named) = env::var_os("FLUENT_BIT") else {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut places = env::split_paths(&path).map(|folder| folder.join("fluent-bit"));
        return Ok(places.find(|place| place.is_file()));
    };
    // Several may be listed for the tests; the first one will do here.
    let program = env::split_paths(&named).next().unwrap_or_default();
    match program.is_file() {
        true => Ok(Some(program)),
        false if named.is_empty() => Ok(None),
        false => Err(format!("FLUENT_BIT: there is no {}", program.display()))?,
    }
}

impl FluentBit {
    /// Starts it with all plugins and the task's configuration, and waits until it listens.
    pub(super) fn start(program: &Path, task: &Task, folder: &Path) -> Result<Self, Failure> {
        let log = folder.join("fluent-bit.log");
        let output = File::create(&log)?;
        let mut command = Command::new(program);
        for plugin in ["cloudwatch", "firehose", "kinesis"] {
            command.arg("-e").arg(built(plugin));
        }
        command.arg("-c").arg(&task.configuration);
        command.stdout(output.try_clone()?).stderr(output);
        let version = version(program)?;
        let fluent_bit = Self {
            number: number(&version),
            version,
            metrics_port: task.metrics_port,
            process: Mutex::new(command.spawn()?),
            socket: task.socket().to_owned(),
            log,
        };
        fluent_bit.connect()?;
        Ok(fluent_bit)
    }

    /// The forward input, as Docker's log driver reaches it.
    pub(super) fn entrance(&self, container: &Container) -> Result<impl Entrance + use<>, Failure> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_write_timeout(Some(GRACE))?;
        Ok(Connection {
            stream,
            tag: container.tag(),
        })
    }

    /// An error when it has ended.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.ended()? {
            Some(status) => Err(self.failure(format_args!("it ended early, {status}"))),
            None => Ok(()),
        }
    }

    /// Reloads it by SIGHUP, where this version can, and waits until it listens again.
    pub(super) fn reload(&self) -> Result<String, Failure> {
        if self.number < RELOADS {
            return Ok(format!("no reload: {} cannot", self.version));
        }
        let done = if self.number < SAYS_SO {
            STARTED
        } else {
            RELOADED
        };
        let before = self.count(done);
        self.signal("HUP")?;
        let ready = patiently(GRACE, || {
            self.check()?;
            let is_done = self.count(done) > before;
            let connected = is_done.then(|| UnixStream::connect(&self.socket).ok());
            Ok(connected.flatten())
        })?;
        let silent = || self.failure(format_args!("it is not reloaded within {GRACE:?}"));
        ready.ok_or_else(silent)?;
        Ok("reload (SIGHUP)".to_owned())
    }

    /// The plugins' series on the metrics endpoint.
    pub(super) fn metrics(&self) -> Result<Metrics, Failure> {
        if self.number < METRICS {
            return Ok(Err(format!(
                "{} has no way for plugins to reach it",
                self.version
            )));
        }
        // For a second after its start it answers 404.
        let series = patiently(PATIENCE / 2, || {
            self.check()?;
            let text = get(self.metrics_port).unwrap_or_default();
            let series = text.lines().filter(|line| line.starts_with(PREFIX));
            let series: Vec<_> = series.map(str::to_owned).collect();
            Ok((!series.is_empty()).then_some(series))
        })?;
        let none = || format!("the endpoint of {} shows none of the plugins", self.version);
        Ok(series.ok_or_else(none))
    }

    /// Asks it to end, as ECS does, and waits for that. Returns the plugins' warnings and errors.
    pub(super) fn stop(self) -> Result<Vec<String>, Failure> {
        self.signal("TERM")?;
        let status = patiently(GRACE, || self.ended())?;
        match status {
            Some(status) if status.success() => Ok(self.warnings()),
            Some(status) => Err(self.failure(format_args!("at its end, {status}"))),
            None => Err(self.failure(format_args!("it does not end within {GRACE:?}"))),
        }
    }

    fn signal(&self, name: &str) -> Result<(), Failure> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let id = process.id().to_string();
        let command = format!("kill -{name} $0");
        Command::new("sh").args(["-c", &command, &id]).status()?;
        Ok(())
    }

    fn count(&self, part: &str) -> usize {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).matches(part).count()
    }

    /// The lines of our plugins at the levels warn and error, without time and colours.
    fn warnings(&self) -> Vec<String> {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let is_ours = |line: &&str| {
            [
                "[output:cloudwatch:",
                "[output:firehose:",
                "[output:kinesis:",
            ]
            .iter()
            .any(|mark| line.contains(mark))
                && (line.contains("error") || line.contains("warn"))
        };
        let text = |line: &str| line[line.find("[output:").unwrap_or(0)..].to_owned();
        log.lines().filter(is_ours).map(text).collect()
    }

    fn connect(&self) -> Result<(), Failure> {
        let connected = patiently(PATIENCE, || {
            self.check()?;
            Ok(UnixStream::connect(&self.socket).ok())
        })?;
        let silent = || self.failure(format_args!("it does not listen within {PATIENCE:?}"));
        connected.map(drop).ok_or_else(silent)
    }

    fn ended(&self) -> Result<Option<ExitStatus>, Failure> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(process.try_wait()?)
    }

    fn failure(&self, what: fmt::Arguments<'_>) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        format!("{}: {what}; the end of its log:\n{last}", self.version).into()
    }
}

impl Drop for FluentBit {
    fn drop(&mut self) {
        let process = self
            .process
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        // One that has ended cannot be killed, and the socket may never have been made.
        let _ = process.kill();
        let _ = process.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

impl Display for FluentBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which logs to {}", self.version, self.log.display())
    }
}

/// One connection of Docker's log driver.
struct Connection {
    stream: UnixStream,
    tag: String,
}

impl Entrance for Connection {
    fn take(&mut self, sent: Sent) -> Result<(), Failure> {
        Ok(self.stream.write_all(&sent.message(&self.tag))?)
    }

    /// Ends the stream, and waits until Fluent Bit has read all of it: then it closes its side.
    fn close(mut self: Box<Self>) -> Result<(), Failure> {
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(GRACE))?;
        self.stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// Time to start: one of 1.9 needs a second on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time to end: the included file's `Grace`, and some more.
const GRACE: Duration = Duration::from_secs(40);
const LOG_LINES: usize = 30;
/// Versions from this one on reload by SIGHUP.
const RELOADS: (u32, u32) = (2, 1);
/// Versions from this one on let plugins reach their metrics.
const METRICS: (u32, u32) = (2, 2);
/// Versions from this one on say that a reload is done.
const SAYS_SO: (u32, u32) = (4, 0);
const RELOADED: &str = "successful reload done";
/// What each new engine writes when it has started.
const STARTED: &str = "stream processor started";
