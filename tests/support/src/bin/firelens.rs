//! Prints the configuration that the ECS agent would make of a task definition, for tests in other
//! languages: `firelens TASK SOCKET FORWARD_PORT HEALTH_PORT`.

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use support::firelens::{Listen, Placement, TaskDefinition, configuration};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match text(&arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("firelens: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn text(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let [task, socket, forward, health] = arguments else {
        return Err("TASK, SOCKET, FORWARD_PORT and HEALTH_PORT are needed".into());
    };
    let task: TaskDefinition = serde_json::from_str(&fs::read_to_string(task)?)?;
    let placement = Placement {
        cluster: "prod".to_owned(),
        task_arn: format!("arn:aws:ecs:us-east-1:123456789012:task/prod/{TASK_ID}"),
        revision: 7,
        ec2_instance_id: None,
        listen: Listen {
            unix_path: socket.clone(),
            forward_port: forward.parse()?,
            health_port: health.parse()?,
        },
    };
    Ok(configuration(&task, &placement)?)
}

const TASK_ID: &str = "0f9de17a6465404e8b1b2356dc13c2f8";
