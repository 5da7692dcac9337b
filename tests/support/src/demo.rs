//! The main job, on any machine: containers write lines, the router delivers them, and every
//! line is looked for where it belongs.
//!
//! The task is the one of `examples/ecs-task.json`, its router's configuration the one that ECS
//! makes of it; AWS is the stand-in. The lines enter as Docker's log driver sends them, through a
//! real Fluent Bit if there is one, else through the plugin host. With `CHAOS=1` the service fails
//! in many ways meanwhile. `target/demo/report.html` shows how it went.

mod account;
mod arrivals;
mod chaos;
mod driver;
mod environment;
mod feed;
mod fluent_bit;
mod ledger;
mod lines;
mod live;
mod pause;
mod plugin_host;
mod report;
mod router;
mod sample;
mod samples;
mod task;
mod timeline;

pub use fluent_bit::program as fluent_bit_program;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use account::Account;
use chaos::Chaos;
use feed::Feed;
use lines::Lines;
use router::{Metrics, Router};
use task::Task;

use crate::aws::StandIn;

/// Why the demo could not be run.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Runs the demo and shows on standard output how it goes; whether nothing was lost or duplicated.
///
/// `LOGS` in the environment names a file of lines, `FLUENT_BIT` a Fluent Bit; an empty
/// `FLUENT_BIT` chooses the plugin host. `CHAOS=1` makes the service fail. `DEMO_FOLDER` names another
/// folder for the files than `target/demo`.
///
/// # Errors
///
/// Why the demo could not be run.
pub fn run() -> Result<bool, Failure> {
    let chaos = Chaos::wanted()?;
    let port = environment::entered()?;
    let folder = folder()?;
    let lines = Lines::of(&folder)?;
    let task = Task::of(&example(), &folder, port)?;
    let aws = stand_in(&task, port)?;
    let router = Router::start(&task, &folder)?;
    let host = router.to_string();
    println!("host: {host}");
    println!(
        "configuration: {}, as ECS makes it of {TASK}, with an endpoint for metrics",
        task.configuration.display()
    );
    println!("lines: {lines}, written by each of {}", task.names());
    if chaos.is_some() {
        aws.set_script(chaos::script(None));
    }
    let feed = Feed::new(&aws, &lines, &task, chaos.as_ref());
    let written = feed.run(&router)?;
    println!(
        "sent: {} records, as a line of more than 16 KiB is several",
        written.ledger.count()
    );
    let (metrics, warnings) = stop(router, chaos.as_ref())?;
    let account = Account::of(&aws, &task, &feed, &written, chaos.as_ref(), &warnings);
    print!("{account}");
    let report = folder.join("report.html");
    let picture = folder.join("timeline.svg");
    fs::write(
        &report,
        report::page(&account, &host, &lines.to_string(), &metrics),
    )?;
    fs::write(&picture, report::picture(&account))?;
    println!("report: {}", report.display());
    println!("demo: {}", account.summary());
    Ok(account.is_clean())
}

/// Stops the router; its metrics until then, and its warnings.
fn stop(router: Router, chaos: Option<&Chaos>) -> Result<(Metrics, Vec<String>), Failure> {
    let metrics = router.metrics()?;
    let mark = chaos.map(|chaos| chaos.begin("stop"));
    let warnings = router.stop()?;
    if let Some((chaos, mark)) = chaos.zip(mark) {
        chaos.end(mark);
    }
    for line in &warnings {
        println!("log: {line}");
    }
    Ok((metrics, warnings))
}

fn stand_in(task: &Task, port: u16) -> std::io::Result<StandIn> {
    let builder = StandIn::builder()
        .port(port)
        .task(task.metadata())
        .verify("the demo's keys", "are issued by the stand-in");
    let streams = task.delivery_streams();
    let builder = streams.fold(builder, |builder, name| builder.delivery_stream(name));
    let streams = task.kinesis_streams();
    let builder = streams.fold(builder, |builder, name| builder.kinesis_stream(name));
    builder.start()
}

/// Where the demo writes its files.
fn folder() -> std::io::Result<PathBuf> {
    let folder = match env::var_os("DEMO_FOLDER") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(WORKSPACE).join("target/demo"),
    };
    fs::create_dir_all(&folder)?;
    folder.canonicalize()
}

fn example() -> PathBuf {
    Path::new(WORKSPACE).join(TASK)
}

const TASK: &str = "examples/ecs-task.json";
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
