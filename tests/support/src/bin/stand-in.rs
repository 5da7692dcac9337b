//! Runs the AWS stand-in as a server, for demos and for tests in other languages.
//!
//! It prints `listening on <URL>` and serves until it is killed, or with `--until-input-ends` until its input ends.

use std::error::Error;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use std::{env, fs};

use support::aws::{Builder, StandIn};

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("stand-in: {problem}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Options {
    builder: Builder,
    certificate: Option<PathBuf>,
    groups: Vec<String>,
    until_input_ends: bool,
}

fn run(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let options = Options::of(arguments)?;
    let aws = options.builder.start()?;
    options
        .groups
        .iter()
        .for_each(|group| aws.create_group(group));
    if let Some((path, pem)) = options.certificate.zip(aws.certificate_pem()) {
        fs::write(path, pem)?;
    }
    println!("listening on {}", aws.url());
    if options.until_input_ends {
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

impl Options {
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            builder: StandIn::builder(),
            certificate: None,
            groups: Vec::new(),
            until_input_ends: false,
        };
        while let Some(argument) = arguments.next() {
            options = options.with(&argument, &mut arguments)?;
        }
        Ok(options)
    }

    fn with(
        mut self,
        argument: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let builder = self.builder;
        self.builder = match argument {
            "--port" => builder.port(value(argument, rest)?),
            "--tls" => builder.tls(),
            "--counting" => builder.counting(),
            "--auto-create" => builder.auto_create(),
            "--threads" => builder.threads(value(argument, rest)?),
            "--latency-ms" => builder.latency(Duration::from_millis(value(argument, rest)?)),
            "--rate-limit" => builder.rate_limit(value(argument, rest)?),
            "--delivery-stream" => builder.delivery_stream(&value::<String>(argument, rest)?),
            "--kinesis-stream" => builder.kinesis_stream(&value::<String>(argument, rest)?),
            "--verify" => verifying(builder, &value::<String>(argument, rest)?)?,
            other => return Self { builder, ..self }.with_own(other, rest),
        };
        Ok(self)
    }

    /// The arguments that do not concern the stand-in's settings.
    fn with_own(
        mut self,
        argument: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        match argument {
            "--cert-out" => self.certificate = Some(value(argument, rest)?),
            "--log-group" => self.groups.push(value(argument, rest)?),
            "--until-input-ends" => self.until_input_ends = true,
            unknown => return Err(format!("unknown argument {unknown}")),
        }
        Ok(self)
    }
}

fn verifying(builder: Builder, key: &str) -> Result<Builder, String> {
    let (id, secret) = key.split_once(':').ok_or("--verify takes KEY_ID:SECRET")?;
    Ok(builder.verify(id, secret))
}

fn value<T: FromStr>(name: &str, rest: &mut impl Iterator<Item = String>) -> Result<T, String> {
    let text = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
    text.parse().map_err(|_| format!("{name} cannot be {text}"))
}

const USAGE: &str = "usage: stand-in [--port N] [--tls] [--cert-out FILE] [--latency-ms N] [--counting] \
    [--rate-limit CALLS_PER_SECOND] [--auto-create] [--delivery-stream NAME] [--kinesis-stream NAME] [--log-group NAME] \
    [--verify KEY_ID:SECRET] [--threads N] [--until-input-ends]";
