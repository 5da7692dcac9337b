//! Runs the plugin in a child process: this test binary with another environment.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::chunk::{Chunk, Time, map};
use support::host::{Instance, PluginHost, Verdict};

/// The configuration of a test case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    environment: Vec<(String, String)>,
    options: Vec<(String, String)>,
    instances: usize,
    attempts: usize,
    until: String,
    before: Vec<String>,
}

/// The result of a test case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdicts: Vec<String>,
    pub(crate) took: Vec<Duration>,
    pub(crate) exit: Vec<Duration>,
    pub(crate) lines: Vec<String>,
}

impl Case {
    /// The `cloudwatch` plugin with the required options and a region.
    pub(crate) fn new(endpoint: &str) -> Self {
        Self::without_region(endpoint).option("region", "us-east-1")
    }

    pub(crate) fn without_region(endpoint: &str) -> Self {
        Self::without_endpoint().option("endpoint", endpoint)
    }

    /// For cases that test endpoints. They must use a proxy.
    pub(crate) fn without_endpoint() -> Self {
        let case = Self {
            instances: 1,
            attempts: 1,
            ..Self::default()
        };
        case.option("log_group_name", "g")
            .option("log_stream_name", "s")
            .option("flush_timeout", "6s")
            .set("AWS_EC2_METADATA_DISABLED", "true")
            .set("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
            .set("AWS_CONFIG_FILE", "/nowhere/config")
    }

    /// Sets an option and replaces an earlier value.
    pub(crate) fn option(mut self, key: &str, value: &str) -> Self {
        self.options.retain(|(known, _)| known != key);
        self.options.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets an environment variable and replaces an earlier value.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn set_all(self, set: &[(&str, &str)]) -> Self {
        set.iter()
            .fold(self, |case, (name, value)| case.set(name, value))
    }

    /// Opens this number of equal sections and flushes through each.
    pub(crate) fn instances(mut self, instances: usize) -> Self {
        self.instances = instances;
        self
    }

    /// Flushes a chunk up to this number of times, as Fluent Bit does for retries.
    pub(crate) fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// Flushes one chunk after another, each until it is delivered, until this file exists.
    pub(crate) fn until(mut self, path: &str) -> Self {
        self.until = path.to_owned();
        self
    }

    /// Runs the process through another command.
    pub(crate) fn by(mut self, command: &[&str]) -> Self {
        self.before = command.iter().map(|&word| word.to_owned()).collect();
        self
    }

    pub(crate) fn run(&self) -> Outcome {
        self.run_and(|| ())
    }

    /// Runs the process. Calls `then` after the first verdict.
    pub(crate) fn run_and(&self, after_the_first: impl FnOnce()) -> Outcome {
        let mut child = self.command().spawn().unwrap();
        let mut heal = Some(after_the_first);
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.starts_with("VERDICT ")
                && let Some(heal) = heal.take()
            {
                heal();
            }
            text.push_str(&line);
            text.push('\n');
        }
        assert!(child.wait().unwrap().success(), "{text}");
        Outcome::of(&text)
    }

    fn command(&self) -> Command {
        let options = self
            .options
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"));
        let this = env::current_exe().unwrap();
        let words = self.before.iter().map(String::as_str);
        let mut words = words.chain([this.to_str().unwrap(), "--exact", CHILD, "--nocapture"]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .env_clear()
            .envs(
                KEPT.into_iter()
                    .filter_map(|name| Some((name, env::var(name).ok()?))),
            )
            .envs(self.environment.iter().cloned())
            .env("CASE_OPTIONS", options.collect::<String>())
            .env("CASE_INSTANCES", self.instances.to_string())
            .env("CASE_ATTEMPTS", self.attempts.to_string())
            .env("CASE_UNTIL", &self.until)
            .stdout(Stdio::piped());
        command
    }
}

impl Outcome {
    fn of(text: &str) -> Self {
        let after = |head: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(head));
            lines.map(str::to_owned).collect()
        };
        let times = |head: &str| {
            let millis = after(head).into_iter();
            let times = millis.map(|millis| Duration::from_millis(millis.parse().unwrap()));
            times.collect()
        };
        Self {
            verdicts: after("VERDICT "),
            took: times("TOOK "),
            exit: times("EXIT "),
            lines: after("LINE "),
        }
    }

    /// Asserts that every flush was delivered. Returns the line with the identity.
    pub(crate) fn delivered(&self) -> &str {
        assert!(!self.verdicts.is_empty(), "{self:?}");
        assert!(
            self.verdicts.iter().all(|verdict| verdict == "Ok"),
            "{self:?}"
        );
        self.line("requests are accepted")
    }

    /// The first line that contains this text.
    pub(crate) fn line(&self, part: &str) -> &str {
        let mut lines = self.lines.iter();
        lines
            .find(|line| line.contains(part))
            .unwrap_or_else(|| panic!("no line says `{part}`: {self:#?}"))
    }

    /// The number of lines that contain this text.
    pub(crate) fn count(&self, part: &str) -> usize {
        let lines = self.lines.iter();
        lines.filter(|line| line.contains(part)).count()
    }

    /// Asserts that the flush must be retried for this reason.
    pub(crate) fn retried(&self, part: &str) -> &str {
        assert_eq!(self.verdicts, ["Retry"], "{self:#?}");
        self.line(part)
    }

    /// Asserts that the plugin did not open for this reason.
    pub(crate) fn refused(&self, part: &str) -> &str {
        assert_eq!(self.verdicts, ["Refused"], "{self:#?}");
        self.line(part)
    }
}

/// The child process. Without a case it does nothing.
#[test]
fn run_the_case() {
    let Ok(set) = env::var("CASE_OPTIONS") else {
        return;
    };
    let options: Vec<_> = set
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let instances = env::var("CASE_INSTANCES").unwrap().parse().unwrap();
    let host = PluginHost::cloudwatch();
    let opened: Result<Vec<_>, _> = (0..instances).map(|_| host.instance(&options)).collect();
    let lines = match opened {
        Err(lines) => {
            println!("\nVERDICT Refused");
            lines
        }
        Ok(opened) => {
            std::thread::scope(|scope| {
                for instance in &opened {
                    scope.spawn(|| deliver_all(instance));
                }
            });
            let began = Instant::now();
            let lines = opened.into_iter().flat_map(Instance::exit).collect();
            println!("\nEXIT {}", began.elapsed().as_millis());
            lines
        }
    };
    for line in lines {
        println!("LINE {}", line.text);
    }
}

/// Delivers one chunk, or one after another until a file exists.
fn deliver_all(instance: &Instance) {
    let until = env::var("CASE_UNTIL").unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    deliver(instance);
    while !until.is_empty() && !Path::new(&until).exists() && Instant::now() < end {
        deliver(instance);
    }
}

/// Flushes one chunk until it is delivered, or up to the number of attempts.
fn deliver(instance: &Instance) {
    let attempts = env::var("CASE_ATTEMPTS").unwrap().parse().unwrap();
    let chunk = chunk();
    let end = Instant::now() + Duration::from_secs(60);
    for _ in 0..attempts {
        let began = Instant::now();
        if began > end {
            return;
        }
        let verdict = instance.flush("a.tag", &chunk);
        // The end of libtest's own line may be missing.
        println!(
            "\nTOOK {}\nVERDICT {verdict:?}",
            began.elapsed().as_millis()
        );
        if verdict == Verdict::Ok {
            return;
        }
    }
}

fn chunk() -> Chunk {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = u64::try_from(now.unwrap().as_millis()).unwrap();
    Chunk::new().v2(Time::millis(millis), map([("log", "a line")]))
}

const CHILD: &str = "child::run_the_case";
/// Variables that the test needs: its libraries, the path of the plugin, backtraces.
const KEPT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "PLUGIN_DIR", "HOME"];
