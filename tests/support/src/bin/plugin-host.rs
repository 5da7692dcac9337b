//! Gives one chunk to a plugin as built, for tests in other languages and for trying options by hand.
//!
//! The chunk comes on standard input: msgpack as Fluent Bit hands it to an output, or JSON lines with
//! `--jsonl`. Log lines go to standard output as `LEVEL TEXT`, and last `verdict ok`, `retry` or `error`.
//! A section that does not open ends with `refused` and exit status 2.

use std::env;
use std::error::Error;
use std::io::{self, Read};
use std::process::ExitCode;

use serde::Deserialize;
use support::chunk::{Chunk, Time, Value};
use support::host::{LogLine, PluginHost, Verdict};

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("plugin-host: {problem}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    plugin: String,
    options: Vec<(String, String)>,
    tag: String,
    jsonl: bool,
    before_2_1: bool,
}

/// One record as a line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Seconds since the epoch; with a fraction it becomes a float in the chunk.
    time: serde_json::Number,
    record: serde_json::Value,
}

fn run(arguments: impl Iterator<Item = String>) -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::of(arguments)?;
    let host = match arguments.plugin.as_str() {
        "cloudwatch" => PluginHost::cloudwatch(),
        "firehose" => PluginHost::firehose(),
        "kinesis" => PluginHost::kinesis(),
        other => return Err(format!("--plugin cannot be `{other}`").into()),
    };
    let chunk = arguments.chunk()?;
    let instance = match host.instance(&arguments.options) {
        Ok(instance) => instance,
        Err(lines) => {
            print(&lines);
            println!("refused");
            return Ok(ExitCode::from(REFUSED));
        }
    };
    let verdict = instance.flush(&arguments.tag, &chunk);
    print(&instance.exit());
    println!("verdict {}", word(verdict));
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn of(mut rest: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            tag: "tag".to_owned(),
            ..Self::default()
        };
        while let Some(name) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--plugin" => arguments.plugin = value()?,
                "--option" => arguments.options.push(pair(&value()?)?),
                "--tag" => arguments.tag = value()?,
                "--format" => arguments.before_2_1 = before_2_1(&value()?)?,
                "--jsonl" => arguments.jsonl = true,
                unknown => return Err(format!("unknown argument {unknown}")),
            }
        }
        Ok(arguments)
    }

    fn chunk(&self) -> Result<Chunk, Box<dyn Error>> {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input)?;
        if !self.jsonl {
            return Ok(Chunk::new().raw(&input));
        }
        let text = String::from_utf8(input)?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .zip(1..)
            .try_fold(Chunk::new(), |chunk, (line, number)| {
                let line =
                    serde_json::from_str(line).map_err(|why| format!("line {number}: {why}"))?;
                Ok(self.append(chunk, &line))
            })
    }

    fn append(&self, chunk: Chunk, line: &Line) -> Chunk {
        let (time, record) = (time(&line.time), value(&line.record));
        if self.before_2_1 {
            chunk.v1(time, record)
        } else {
            chunk.v2(time, record)
        }
    }
}

fn pair(option: &str) -> Result<(String, String), String> {
    let (key, value) = option
        .split_once('=')
        .ok_or_else(|| format!("--option cannot be `{option}`: it is KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn before_2_1(format: &str) -> Result<bool, String> {
    match format {
        "v1" => Ok(true),
        "v2" => Ok(false),
        other => Err(format!("--format cannot be `{other}`: it is v1 or v2")),
    }
}

fn time(number: &serde_json::Number) -> Time {
    let float = || number.as_f64().unwrap_or_default();
    number
        .as_i64()
        .map_or_else(|| Time::from(float()), Time::from)
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::UInt))
            .unwrap_or_else(|| Value::F64(number.as_f64().unwrap_or_default())),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(values) => Value::Array(values.iter().map(value).collect()),
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, entry)| (Value::from(key.as_str()), value(entry)))
                .collect(),
        ),
    }
}

fn print(lines: &[LogLine]) {
    for line in lines {
        let level = line.level.map_or_else(
            || "unknown".to_owned(),
            |level| format!("{level:?}").to_lowercase(),
        );
        println!("{level} {}", line.text);
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Error => "error",
        Verdict::Ok => "ok",
        Verdict::Retry => "retry",
    }
}

const REFUSED: u8 = 2;

const USAGE: &str = "usage: plugin-host --plugin cloudwatch|firehose|kinesis [--option KEY=VALUE]... [--tag TAG] \
    [--format v1|v2] [--jsonl] < CHUNK";
