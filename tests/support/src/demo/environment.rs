//! The environment that ECS gives a router, with the stand-in for AWS.
//!
//! A process cannot change its own environment safely, and the plugins of the plugin host read it:
//! so the demo replaces itself by itself, once, in the right environment. That takes the stand-in's
//! port to be known before it listens.

use std::env;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::Failure;

/// The port for the stand-in, in the right environment.
///
/// # Errors
///
/// When the demo cannot be started anew.
pub(super) fn entered() -> Result<u16, Failure> {
    match env::var(PORT) {
        Ok(port) => Ok(port.parse()?),
        Err(_) => Err(enter(free_port()?)?),
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub(super) fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

fn enter(port: u16) -> std::io::Result<Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(leads_elsewhere) {
            command.env_remove(name);
        }
    }
    let aws = format!("http://127.0.0.1:{port}");
    command
        .env(PORT, port.to_string())
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{aws}/creds"))
        .env(
            "ECS_CONTAINER_METADATA_URI_V4",
            format!("{aws}/v4/log-router"),
        )
        .envs(WITHOUT_OTHER_IDENTITIES);
    Ok(command.exec().into())
}

/// Variables that name an account, a task or a proxy.
fn leads_elsewhere(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("AWS_") || name.starts_with("ECS_") || name.ends_with("_PROXY")
}

const PORT: &str = "DEMO_STAND_IN_PORT";
const WITHOUT_OTHER_IDENTITIES: [(&str, &str); 3] = [
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];
