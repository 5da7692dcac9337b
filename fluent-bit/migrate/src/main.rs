//! `migrate`: what a task definition or a Fluent Bit configuration needs to use the plugins here.

use std::io::Read;
use std::process::ExitCode;

use migrate::check::{self, Outcome};
use migrate::iam::Policy;
use migrate::input::Input;
use migrate::multiline::{self, Begin};
use migrate::options::Options;
use migrate::plugin::Plugin;
use migrate::rules;
use router::instance::environment;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["rules", options @ .., file] => follow(file, options),
        ["multiline", "--datetime", format] => joined(Begin::Time, format),
        ["multiline", pattern] => joined(Begin::Pattern, pattern),
        ["--check", file] => tried(file),
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        [file] if !file.starts_with("--") => told(file),
        _ => Err(format!("wrong arguments\n{USAGE}")),
    };
    done.unwrap_or_else(|why| {
        eprintln!("migrate: {why}");
        ExitCode::from(UNUSABLE)
    })
}

type Done = Result<ExitCode, String>;

fn told(file: &str) -> Done {
    let report = migrate::report(&read(file)?);
    print!("{report}");
    Ok(code(!report.has_problems()))
}

/// The report, and what the service says to the identity that is found here.
fn tried(file: &str) -> Done {
    let input = read(file)?;
    let report = migrate::report(&input);
    print!("{report}");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut is_fine = !report.has_problems();
    for (place, plugin, options) in migrate::outputs(&input) {
        println!("check of {place}");
        for outcome in runtime.block_on(outcomes(plugin, &options)) {
            is_fine &= !matches!(outcome, Outcome::Failed(_));
            println!("  {outcome}");
        }
    }
    Ok(code(is_fine))
}

async fn outcomes(plugin: Plugin, options: &Options) -> Vec<Outcome> {
    match options.resolved(environment) {
        Ok(options) => check::output(plugin, &options).await,
        Err(why) => vec![Outcome::Untried(why)],
    }
}

/// Whether a task definition keeps the rules of FireLens.
fn follow(file: &str, options: &[&str]) -> Done {
    let Input::Task(task) = read(file)? else {
        return Err(format!("{file}: the rules are those of a task definition"));
    };
    let (mut grace, mut lacking) = (rules::GRACE_SECONDS, Vec::new());
    for option in options.chunks(2) {
        match option {
            ["--policy", path] => lacking = rules::lacking(&task, &policy(path)?),
            ["--config", path] => grace = rules::grace(&read(path)?)?,
            _ => return Err(format!("wrong arguments\n{USAGE}")),
        }
    }
    let mut broken = rules::broken(&task, grace);
    broken.extend(lacking);
    for why in &broken {
        println!("{why}");
    }
    Ok(code(broken.is_empty()))
}

fn policy(path: &str) -> Result<Policy, String> {
    let policy = serde_json::from_str(&text(path)?);
    policy.map_err(|error| format!("{path}: no IAM policy: {error}"))
}

fn joined(begin: Begin, text: &str) -> Done {
    print!("{}", multiline::configuration(begin, text)?);
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> Result<Input, String> {
    Input::read(&text(file)?).map_err(|why| format!("{file}: {why}"))
}

/// A file's text, or that of the standard input for `-`.
fn text(file: &str) -> Result<String, String> {
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|error| format!("{file}: {error}"))
}

fn code(is_fine: bool) -> ExitCode {
    if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The input could not be used at all.
const UNUSABLE: u8 = 2;
const USAGE: &str = "\
usage: migrate [--check] FILE
       migrate rules [--policy POLICY] [--config CONFIG] FILE
       migrate multiline PATTERN
       migrate multiline --datetime FORMAT

FILE is a task definition (JSON) or a configuration of Fluent Bit (classic or YAML); - is the
standard input.

  FILE         what would change with this router's plugins, what to edit, which IAM actions they need
  --check      tries the credentials that are found here, and the permissions, at the service
  rules        whether a task definition keeps the rules of FireLens, with the `Grace` of CONFIG,
               and whether POLICY allows what it needs
  multiline    Fluent Bit's parser and filters for awslogs-multiline-pattern or -datetime-format

The status is 1 where something would not work, and 2 where FILE cannot be read.
";
