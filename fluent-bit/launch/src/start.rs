//! From the container's command to a running Fluent Bit.

use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process;

use crate::buffering;
use crate::command::Command;
use crate::image::Image;
use crate::init::{self, PREFIX, Prepared, Request};
use crate::level;

/// Becomes what the container's command says, so that signals reach it. A Fluent Bit is prepared
/// first; any other program is started as it is.
///
/// # Errors
///
/// Why that cannot be started.
pub fn start(given: Vec<OsString>) -> Result<Infallible, String> {
    let image = Image::here();
    let command = Command::of(given, &image);
    if !command.is_fluent_bit() {
        return Err(become_it(command, Vec::new()));
    }
    tell_versions(&command);
    let mut prepared = prepare(command, &image)?;
    if env::var_os(buffering::VARIABLE).is_none() {
        let configuration = prepared.command.configuration();
        let resume_path = buffering::resume_path(configuration, &image);
        prepared.variables.extend(resume_path);
    }
    if has_both_levels(&prepared.command) {
        let variable = level::VARIABLE;
        println!("log router: {variable} is left out, as the configuration has a Log_Level");
    }
    Err(become_it(prepared.command, prepared.variables))
}

fn prepare(command: Command, image: &Image) -> Result<Prepared, String> {
    let (text, other): (Vec<_>, Vec<_>) =
        env::vars_os().partition(|(_, value)| value.to_str().is_some());
    let mut names = other.iter().filter_map(|(name, _)| name.to_str());
    if let Some(name) = names.find(|name| name.starts_with(PREFIX)) {
        return Err(told(&[format!("{name}: its value is no UTF-8 text")]));
    }
    let text = text
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let request = Request::read(text).map_err(|problems| told(&problems))?;
    match request {
        Some(request) => {
            init::prepare(&request, command, image).map_err(|problems| told(&problems))
        }
        None => Ok(Prepared {
            command: with_defaults(command, image),
            variables: Vec::new(),
        }),
    }
}

/// The configuration that FireLens mounts is read behind the image's defaults, any other as it is.
fn with_defaults(command: Command, image: &Image) -> Command {
    let wrapper = image.with_defaults();
    let configuration = command.configuration();
    match configuration.is_some_and(|path| image.is_configuration(&path)) && wrapper.is_file() {
        true => command.with_configuration(&wrapper),
        false => command,
    }
}

fn tell_versions(command: &Command) {
    let asked = process::Command::new(&command.program)
        .arg("--version")
        .output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let host = text
        .lines()
        .next()
        .unwrap_or("a Fluent Bit that tells no version");
    println!("log router {}, {host}", env!("CARGO_PKG_VERSION"));
}

/// Why the program did not start; if it does, there is no return.
fn become_it(command: Command, variables: Vec<(&'static str, String)>) -> String {
    let is_level_set = command.is_fluent_bit() && has_both_levels(&command);
    let Command { program, arguments } = command;
    let mut next = process::Command::new(&program);
    next.args(arguments).envs(variables);
    if is_level_set {
        next.env_remove(level::VARIABLE);
    }
    let problem = next.exec();
    format!("{} cannot be started: {problem}", program.display())
}

fn has_both_levels(command: &Command) -> bool {
    env::var_os(level::VARIABLE).is_some() && level::is_set(command)
}

fn told(problems: &[String]) -> String {
    format!("Fluent Bit is not started: {}", problems.join("; "))
}
