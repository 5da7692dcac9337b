//! `migrate`: what a task definition or a Fluent Bit configuration needs to use the plugins here.

mod arguments;
mod files;

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use migrate::check::{self, Outcome};
use migrate::document::Document;
use migrate::iam::Policy;
use migrate::multiline;
use migrate::options::Options;
use migrate::plugin::Plugin;
use migrate::report::Remark;
use migrate::rules;
use migrate::source::{Files, Source, decoded};
use migrate::task::Flavor;
use router::options::env::environment;

use arguments::{Asked, USAGE};

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let mut answer = String::new();
    let done = match Asked::read(&given) {
        Ok(Asked::Help) => {
            answer.push_str(USAGE);
            Ok(FINE)
        }
        Ok(Asked::Report { files, is_tried }) => files::report(&files, is_tried, &mut answer),
        Ok(Asked::Write(file)) => written(&file, &mut answer),
        Ok(Asked::Rules {
            file,
            policy,
            config,
        }) => follow(&file, policy.as_deref(), config.as_deref(), &mut answer),
        Ok(Asked::Multiline(begin, text)) => multiline::configuration(begin, &text).map(|text| {
            answer.push_str(&text);
            FINE
        }),
        Err(why) => Err(why),
    };
    let (code, problem) = match done {
        Ok(code) => (code, None),
        Err(why) => (UNUSABLE, Some(why)),
    };
    let code = say(&answer, problem, code);
    ExitCode::from(code)
}

/// Writes the answer; a reader that has gone needs no more of it.
fn say(answer: &str, problem: Option<String>, code: u8) -> u8 {
    let mut out = std::io::stdout();
    let done = out.write_all(answer.as_bytes()).and_then(|()| out.flush());
    let failed = done
        .err()
        .filter(|error| error.kind() != ErrorKind::BrokenPipe);
    let failed = failed.map(|error| format!("the answer cannot be written: {error}"));
    let code = if failed.is_some() { UNUSABLE } else { code };
    for why in problem.into_iter().chain(failed) {
        // Nothing is left to say it to when this fails.
        drop(writeln!(std::io::stderr(), "migrate: {why}"));
    }
    code
}

/// The status of the program, or why the input could not be used.
type Done = Result<u8, String>;

/// The file as it is after its migration.
fn written(file: &str, answer: &mut String) -> Done {
    let document = read(file)?;
    let report = migrate::report(&document);
    if let Some(why) = report.unread.first() {
        return Err(format!("{file}: {why}"));
    }
    let (text, lost) = document.changed(&report.changes);
    if lost > 0 {
        return Err(format!(
            "{file}: {lost} of its edits are inside a text that is not written as it stands: make them by hand, as `migrate {file}` says"
        ));
    }
    answer.push_str(&text);
    for note in &report.notes {
        drop(writeln!(std::io::stderr(), "migrate: {note}"));
    }
    let (left, has_problems) = left(&text, file);
    for remark in &left {
        drop(writeln!(
            std::io::stderr(),
            "migrate: left to do by hand: {remark}"
        ));
    }
    Ok(match report.is_whole() {
        true => code(!has_problems),
        false => UNUSABLE,
    })
}

/// The edits that what was written still needs, and whether it would not start.
fn left(text: &str, file: &str) -> (Vec<String>, bool) {
    let source = Source {
        name: file.to_owned(),
        text: text.to_owned(),
    };
    let Ok(document) = Document::read(&source, &Files::default()) else {
        return (Vec::new(), true);
    };
    let report = migrate::report(&document);
    let has_problems = report.has_problems();
    let edits = report.parts.into_iter().flat_map(|part| {
        let texts = part.remarks.into_iter().filter_map(|remark| match remark {
            Remark::Edit(text) | Remark::Problem(text) => Some(text),
            _ => None,
        });
        texts
            .map(move |text| format!("{}: {text}", part.title))
            .collect::<Vec<_>>()
    });
    (edits.collect(), has_problems)
}

/// What the service says to the identity that is found here; whether it is fine.
fn tried(document: &Document, answer: &mut String) -> Result<bool, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut is_fine = true;
    for (place, plugin, options) in migrate::outputs(document) {
        line(answer, &format!("check of {place}"));
        for outcome in runtime.block_on(outcomes(plugin, &options)) {
            is_fine &= !matches!(outcome, Outcome::Failed(_));
            line(answer, &format!("  {outcome}"));
        }
    }
    Ok(is_fine)
}

async fn outcomes(plugin: Plugin, options: &Options) -> Vec<Outcome> {
    match options.resolved(environment) {
        Ok(options) => check::output(plugin, &options).await,
        Err(why) => vec![Outcome::Untried(why)],
    }
}

/// Whether a task definition keeps the rules of FireLens.
fn follow(file: &str, policy_of: Option<&str>, config: Option<&str>, answer: &mut String) -> Done {
    let document = read(file)?;
    let mut tasks = document.tasks().filter(|task| task.flavor == Flavor::Task);
    let Some(task) = tasks.next() else {
        return Err(format!("{file}: the rules are those of a task definition"));
    };
    let grace = match config {
        Some(path) => rules::grace(&read(path)?).map_err(|why| format!("{path}: {why}"))?,
        None => rules::GRACE_SECONDS,
    };
    let mut broken = rules::broken(task, grace);
    let mut count = rules::count(task);
    if let Some(path) = policy_of {
        broken.extend(rules::lacking(task, &policy(path)?));
        count += 1;
    }
    for why in &broken {
        line(answer, why);
    }
    if broken.is_empty() {
        line(answer, &format!("all {count} rules hold"));
    }
    Ok(code(broken.is_empty()))
}

fn policy(path: &str) -> Result<Policy, String> {
    let policy = serde_json::from_str(&source(path)?.text);
    policy.map_err(|error| format!("{path}: no IAM policy: {error}"))
}

fn read(file: &str) -> Result<Document, String> {
    let source = source(file)?;
    Document::read(&source, &Files::default()).map_err(|why| format!("{file}: {why}"))
}

/// A file's text, or that of the standard input for `-`.
fn source(file: &str) -> Result<Source, String> {
    if file != "-" {
        return Source::read(Path::new(file));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| format!("-: {error}"))?;
    let text = decoded(&bytes).map_err(|why| format!("-: {why}"))?;
    Ok(Source::unnamed(&text))
}

fn line(answer: &mut String, text: &str) {
    writeln!(answer, "{text}").expect("a string takes every text");
}

fn code(is_fine: bool) -> u8 {
    if is_fine { FINE } else { PROBLEMS }
}

const FINE: u8 = 0;
/// Something would not work.
const PROBLEMS: u8 = 1;
/// The input could not be used, or not all of it.
const UNUSABLE: u8 = 2;
