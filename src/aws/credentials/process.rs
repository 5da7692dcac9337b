//! `credential_process` of a profile: credentials from the output of a program.
//!
//! The SDK's own provider waits for the program with a signal handler that stays installed in Fluent
//! Bit after the plugin is unloaded. This provider polls instead and blocks no thread. The program and
//! its children are killed after a timeout or when the plugin closes.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use aws_config::profile;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use cbindings::process_group::{has_ended, kill_group};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{sleep, timeout};

use crate::aws::credentials::http_endpoint;
use crate::delivery::error::Chain;

/// Runs the program that a profile names.
#[derive(Debug)]
pub(crate) struct Process {
    profile: Option<String>,
}

impl Process {
    pub(crate) fn new(profile: Option<String>) -> Self {
        Self { profile }
    }

    async fn fetch(&self) -> provider::Result {
        let Some(program) = self.program().await? else {
            return Err(CredentialsError::not_loaded("no credential_process"));
        };
        let answer = timeout(LIMIT, run(&program)).await;
        answer
            .unwrap_or_else(|_| Err(format!("it did not end in {LIMIT:?} and was killed")))
            .map_err(CredentialsError::provider_error)
    }

    async fn program(&self) -> Result<Option<String>, CredentialsError> {
        let name = self.profile.clone().map(Into::into);
        let files = EnvConfigFiles::default();
        let profiles = profile::load(&Fs::real(), &Env::real(), &files, name).await;
        let profiles = profiles
            .map_err(|error| CredentialsError::provider_error(Chain(&error).to_string()))?;
        Ok(profiles.get("credential_process").map(str::to_owned))
    }
}

impl ProvideCredentials for Process {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// Runs the program. Its output may be secret, so error messages do not quote it.
async fn run(program: &str) -> Result<Credentials, String> {
    reap();
    let cannot = |error: io::Error| format!("it cannot be run: {error}");
    let mut child = Command::new("sh")
        .args(["-c", program])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(cannot)?;
    let output = child.stdout.take().map(OwnedFd::from);
    let group = Group(Some(child));
    let output = output.ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
    let mut output = Output::new(output).map_err(cannot)?;
    while !group.has_ended() {
        output.read(POLL_INTERVAL).await?;
    }
    // A child of the program may have inherited the pipe and keep it open.
    while output.read(LAST_OUTPUT).await? {}
    if let Some(status) = group.end().filter(|status| !status.success()) {
        return Err(format!("it failed: {status}"));
    }
    http_endpoint::read(&output.written)
}

/// The output of the program so far.
struct Output {
    pipe: Option<Receiver>,
    written: Vec<u8>,
}

impl Output {
    fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: Some(Receiver::from_owned_fd(pipe)?),
            written: Vec::new(),
        })
    }

    /// Waits for more output up to `wait`; returns whether there was more.
    async fn read(&mut self, wait: Duration) -> Result<bool, String> {
        let Some(pipe) = &mut self.pipe else {
            sleep(wait).await;
            return Ok(false);
        };
        let read = timeout(wait, pipe.read_buf(&mut self.written)).await;
        let Ok(read) = read else { return Ok(false) };
        let more = read.map_err(|error| format!("its output cannot be read: {error}"))?;
        if self.written.len() > MAX_BYTES {
            let most = MAX_BYTES / 1024;
            return Err(format!("it wrote more than {most} KiB"));
        }
        if more == 0 {
            self.pipe = None;
        }
        Ok(more > 0)
    }
}

/// A process that is the leader of its own process group. Dropping it kills the group.
struct Group(Option<Child>);

impl Group {
    /// Whether the leader has ended. A process that the system does not know was reaped elsewhere.
    fn has_ended(&self) -> bool {
        let ended = self
            .0
            .as_ref()
            .map(|child| has_ended(child).unwrap_or(true));
        ended.unwrap_or(true)
    }

    /// Kills the rest of the group; returns the exit status of the leader, if it is known.
    fn end(mut self) -> Option<ExitStatus> {
        self.0.take().and_then(kill)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.take().and_then(kill);
    }
}

/// Kills the group and reaps its leader. A leader that does not end at once is reaped by [`reap`].
fn kill(mut leader: Child) -> Option<ExitStatus> {
    // If the leader was reaped elsewhere, its process id may belong to another process.
    if has_ended(&leader).is_err() || kill_group(&leader).is_err() {
        return None;
    }
    for _ in 0..MAX_POLLS {
        match leader.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
    UNREAPED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(leader);
    None
}

/// Reaps killed processes that have ended since.
fn reap() {
    let mut unreaped = UNREAPED.lock().unwrap_or_else(PoisonError::into_inner);
    unreaped.retain_mut(|leader| matches!(leader.try_wait(), Ok(None)));
}

static UNREAPED: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The longest run of the program; shorter than the timeout of a fetch of credentials.
const LIMIT: Duration = Duration::from_secs(5);
/// How often the end of the program is polled for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long to wait for remaining output after the program has ended.
const LAST_OUTPUT: Duration = Duration::from_millis(100);
/// Output limit; credentials take about 2 KiB.
const MAX_BYTES: usize = 64 * 1024;
/// How often a killed process is polled for, at 1 ms intervals.
const MAX_POLLS: usize = 100;

#[cfg(test)]
mod tests;
