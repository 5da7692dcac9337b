//! `healthcheck`: asks a running Fluent Bit how it is.
//!
//! `alive` is answered by its HTTP server. `delivering` compares its counters with those of the last
//! check, kept in a small file: an output whose tries fail, and of which nothing has arrived for
//! longer than an age, is not delivering.

mod counters;
mod options;
mod record;

pub use counters::{Counters, Outputs};
pub use options::{Check, Options};
pub use record::{Record, Standing};

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::http::{self, Problem};

/// Does what the arguments ask for; a sentence that says how it is.
///
/// # Errors
///
/// A sentence that says why it is not well, or that the arguments are wrong.
pub fn check(arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let options = Options::read(arguments)?;
    match &options.check {
        Check::Alive => alive(&options),
        Check::Delivering => delivering(&options),
        Check::Help => Ok(options::USAGE.to_owned()),
    }
}

fn alive(options: &Options) -> Result<String, String> {
    let told = ask(options, "/api/v1/uptime")?;
    Ok(format!("alive: {}", told.trim()))
}

fn delivering(options: &Options) -> Result<String, String> {
    let text = ask(options, "/api/v2/metrics/prometheus")?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let record = Record::read(&options.state)?.after(Outputs::parse(&text), now.as_secs());
    record.write(&options.state)?;
    let late = record.late(now.as_secs(), options.max_age.as_secs());
    match late.is_empty() {
        true if record.is_empty() => Ok("delivering: there is no output yet".to_owned()),
        true if record.len() == 1 => Ok("delivering: 1 output".to_owned()),
        true => Ok(format!("delivering: {} outputs", record.len())),
        false => Err(format!("not delivering: {}", late.join(", "))),
    }
}

fn ask(options: &Options, path: &str) -> Result<String, String> {
    let told = http::get(&format!("127.0.0.1:{}", options.port), path, PATIENCE);
    told.map_err(|problem| {
        let advice = match problem {
            Problem::Closed(_) => {
                "; is Fluent Bit running, with `HTTP_Server On` and this `HTTP_Port` in its [SERVICE]?"
            }
            Problem::Status(_) => "; the server answers, and is it that of a Fluent Bit 2.0 or later?",
            Problem::Other(_) => "",
        };
        format!("{}{advice}", problem.text())
    })
}

/// ECS gives a check 5 seconds unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::http::tests::server;

    fn metrics(delivered: u64, failed: u64) -> String {
        format!(
            "HTTP/1.1 200 OK\r\n\r\n# HELP x y\n\
            fluentbit_output_proc_records_total{{name=\"cloudwatch.0\"}} {delivered}\n\
            fluentbit_output_retries_total{{name=\"cloudwatch.0\"}} {failed}\n"
        )
    }

    fn asked(authority: &str, state: &Path, max_age: &str) -> Result<String, String> {
        let port = authority.rsplit(':').next().unwrap();
        let state = state.to_str().unwrap();
        let arguments = [
            "delivering",
            "--max-age",
            max_age,
            "--port",
            port,
            "--state",
            state,
        ];
        check(arguments.map(str::to_owned).into_iter())
    }

    #[test]
    fn an_output_that_fails_and_delivers_nothing_is_told_by_name() {
        let state = std::env::temp_dir().join(format!("health-{}", std::process::id()));
        let authority = server(vec![
            metrics(1, 0),
            metrics(1, 2),
            metrics(1, 2),
            metrics(2, 3),
        ]);
        assert_eq!(
            asked(&authority, &state, "0s").unwrap(),
            "delivering: 1 output"
        );
        let problem = asked(&authority, &state, "0s").unwrap_err();
        assert!(
            problem.starts_with("not delivering: cloudwatch.0 for 0 s"),
            "{problem}"
        );
        asked(&authority, &state, "1h").unwrap();
        asked(&authority, &state, "0s").unwrap();
        std::fs::remove_file(state).unwrap();
    }

    #[test]
    fn a_fluent_bit_that_does_not_answer_is_not_alive() {
        let uptime = "HTTP/1.1 200 OK\r\n\r\n{\"uptime_sec\":3}\n";
        let authority = server(vec![uptime.into(), "HTTP/1.1 404 Not Found\r\n\r\n".into()]);
        let port = authority.rsplit(':').next().unwrap();
        let ask = || check(["alive", "--port", port].map(str::to_owned).into_iter());
        assert_eq!(ask().unwrap(), "alive: {\"uptime_sec\":3}");
        let unknown = ask().unwrap_err();
        assert!(
            unknown.contains("HTTP 404") && !unknown.contains("HTTP_Server On"),
            "{unknown}"
        );
        let closed = ask().unwrap_err();
        assert!(
            closed.contains("nothing listens there; is Fluent Bit running, with `HTTP_Server On`"),
            "{closed}"
        );
    }

    #[test]
    fn help_is_no_failure() {
        for help in ["--help", "-h"] {
            let told = check(std::iter::once(help.to_owned())).unwrap();
            assert!(told.starts_with("usage: healthcheck alive"));
        }
    }
}
