//! The generated configurations are those of `tests/firelens`, one for each network mode and place.
//!
//! `UPDATE=1 cargo test --package support --test firelens` writes them anew. A real Fluent Bit runs
//! them in `tests/fluent-bit`.

use std::{env, fs};

use support::firelens::{Listen, NetworkMode, Placement, TaskDefinition, configuration};

#[test]
fn each_mode_and_place_has_its_configuration() {
    for (name, mode, instance) in CASES {
        let mut task = task();
        task.network_mode = mode;
        let text = configuration(&task, &placement(instance)).unwrap();
        let path = format!("{FOLDER}/{name}.conf");
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name}");
    }
}

fn task() -> TaskDefinition {
    let text = fs::read_to_string(format!("{FOLDER}/task.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn placement(instance: Option<&str>) -> Placement {
    Placement {
        cluster: "prod".to_owned(),
        task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9de17a6465404e8b1b2356dc13c2f8"
            .to_owned(),
        revision: 7,
        ec2_instance_id: instance.map(str::to_owned),
        listen: Listen::default(),
    }
}

/// Fargate has one network mode.
const CASES: [(&str, NetworkMode, Option<&str>); 4] = [
    ("awsvpc-ec2", NetworkMode::Awsvpc, INSTANCE),
    ("awsvpc-fargate", NetworkMode::Awsvpc, None),
    ("bridge-ec2", NetworkMode::Bridge, INSTANCE),
    ("host-ec2", NetworkMode::Host, INSTANCE),
];
const INSTANCE: Option<&str> = Some("i-0abc12de34f567890");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../firelens");
