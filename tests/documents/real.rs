//! A real Fluent Bit reads the example configurations, and ECS's for each network mode.

use std::fs;
use std::path::Path;
use std::process::Command;

use support::firelens::{Listen, NetworkMode, Placement, TaskDefinition, configuration};
use support::host::built;

use crate::{place, read};

/// Those of the image have its paths in them: `tests/fluent-bit/test_image_configs.py` reads these.
#[test]
#[ignore = "needs a real Fluent Bit"]
fn the_example_configurations_are_read() {
    let files = fs::read_dir(place("examples")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|end| end == "conf"))
        .collect();
    assert!(files.len() > 1, "{files:?}");
    files.iter().for_each(|file| assert_read(file));
}

#[test]
#[ignore = "needs a real Fluent Bit"]
fn what_ecs_makes_of_the_example_is_read_in_each_network_mode() {
    let example = read("examples/ecs-task.json");
    let example = example.replace("/fluent-bit/", &place("fluent-bit/").display().to_string());
    let mut task: TaskDefinition = serde_json::from_str(&example).unwrap();
    for mode in [NetworkMode::Awsvpc, NetworkMode::Bridge, NetworkMode::Host] {
        task.network_mode = mode;
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{mode:?}.conf"));
        fs::write(&file, configuration(&task, &placement()).unwrap()).unwrap();
        assert_read(&file);
    }
}

fn placement() -> Placement {
    Placement {
        cluster: "prod".to_owned(),
        task_arn: "arn:aws:ecs:us-east-1:123456789012:task/prod/0f9d".to_owned(),
        revision: 7,
        ec2_instance_id: Some("i-0abc12de34f567890".to_owned()),
        listen: Listen::default(),
    }
}

fn assert_read(file: &Path) {
    let program = support::demo::fluent_bit_program().unwrap();
    let mut fluent_bit = Command::new(program.expect("a Fluent Bit in $FLUENT_BIT or on PATH"));
    for plugin in ["cloudwatch", "firehose", "kinesis"] {
        fluent_bit.arg("-e").arg(built(plugin));
    }
    let output = fluent_bit
        .arg("--dry-run")
        .arg("-c")
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {output:?}", file.display());
}
