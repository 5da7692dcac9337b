//! The main job, on any machine: containers write lines, the router delivers them, and every
//! line is looked for where it belongs.
//!
//! The task is the one of `examples/ecs-task.json`, its router's configuration the one that ECS
//! makes of it; AWS is the stand-in. The lines enter as Docker's log driver sends them, through a
//! real Fluent Bit if there is one, else through the plugin host.

mod arrivals;
mod driver;
mod environment;
mod feed;
mod fluent_bit;
mod ledger;
mod lines;
mod plugin_host;
mod router;
mod sample;
mod task;

pub use fluent_bit::program as fluent_bit_program;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use arrivals::Arrivals;
use feed::Feed;
use ledger::{Difference, Ledger};
use lines::Lines;
use router::Router;
use task::Task;

use crate::aws::StandIn;

/// Why the demo could not be run.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Runs the demo and tells its story on standard output; whether nothing was lost or duplicated.
///
/// `LOGS` in the environment names a file of lines, `FLUENT_BIT` a Fluent Bit; an empty
/// `FLUENT_BIT` chooses the plugin host.
///
/// # Errors
///
/// Why the demo could not be run.
pub fn run() -> Result<bool, Failure> {
    let port = environment::entered()?;
    let folder = folder()?;
    let lines = Lines::of(&folder)?;
    let task = Task::of(&example(), &folder, port)?;
    let aws = stand_in(&task, port)?;
    let router = Router::start(&task, &folder)?;
    println!("host: {router}");
    println!(
        "configuration: {}, as ECS makes it of {TASK}",
        task.configuration.display()
    );
    println!("lines: {lines}, written by each of {}", task.names());
    let sent = Feed::new(&aws, &lines, &task).run(&router)?;
    println!(
        "sent: {} records, as a line of more than 16 KiB is several",
        sent.count()
    );
    router.stop()?;
    Ok(settle(&aws, &task, &sent))
}

/// Tells what arrived where, and compares it with what was sent.
fn settle(aws: &StandIn, task: &Task, sent: &Ledger) -> bool {
    let arrived = Arrivals::of(aws, task, sent);
    let Difference { lost, duplicated } = sent.difference(&arrived.ledger);
    let Arrivals {
        events,
        records,
        kinesis,
        ..
    } = arrived;
    print!("{arrived}");
    println!(
        "demo: sent={} cloudwatch={events} firehose={records} kinesis={kinesis} lost={lost} duplicated={duplicated}",
        sent.count()
    );
    lost == 0 && duplicated == 0
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
    let folder = Path::new(WORKSPACE).join("target/demo");
    fs::create_dir_all(&folder)?;
    folder.canonicalize()
}

fn example() -> PathBuf {
    Path::new(WORKSPACE).join(TASK)
}

const TASK: &str = "examples/ecs-task.json";
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
