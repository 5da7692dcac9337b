//! A real Fluent Bit as the router.

use std::env;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::driver::Sent;
use super::router::Entrance;
use super::task::Task;
use crate::chunk::Container;
use crate::host::built;

/// A running Fluent Bit. Dropping it kills it.
pub(super) struct FluentBit {
    process: Mutex<Child>,
    socket: PathBuf,
    log: PathBuf,
    version: String,
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
        let fluent_bit = Self {
            version: version(program)?,
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

    /// Asks it to end, as ECS does, and waits for that.
    pub(super) fn stop(self) -> Result<(), Failure> {
        let id = self
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .id();
        Command::new("sh")
            .args(["-c", "kill -TERM $0", &id.to_string()])
            .status()?;
        let status = patiently(GRACE, || self.ended())?;
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failure(format_args!("at its end, {status}"))),
            None => Err(self.failure(format_args!("it does not end within {GRACE:?}"))),
        }
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

    fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}

/// The first line that it prints of itself.
fn version(program: &Path) -> Result<String, Failure> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next().unwrap_or("a Fluent Bit of no version");
    Ok(format!("{first} ({})", program.display()))
}

/// Asks again and again until there is an answer, or too much time has passed.
fn patiently<T>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    let began = Instant::now();
    loop {
        match ask()? {
            None if began.elapsed() < patience => thread::sleep(PAUSE),
            answer => return Ok(answer),
        }
    }
}

/// Time to start: one of 1.9 needs a second on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time to end: the included file's `Grace`, and some more.
const GRACE: Duration = Duration::from_secs(40);
/// Nothing tells of a process that ends or begins to listen, so it is asked.
const PAUSE: Duration = Duration::from_millis(20);
const LOG_LINES: usize = 30;
