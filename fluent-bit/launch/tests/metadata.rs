//! The entry point, started with init and an address of the task's metadata.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

const TASK: &str =
    r#"{"Cluster": "prod", "TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d"}"#;

/// An image with a Fluent Bit that prints its environment.
struct Image(PathBuf);

impl Image {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("metadata-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        fs::create_dir_all(root.join("fluent-bit/bin")).unwrap();
        fs::create_dir_all(root.join("init")).unwrap();
        let program = root.join("fluent-bit/bin/fluent-bit");
        fs::write(
            &program,
            "#!/bin/sh\n[ \"$1\" = --version ] || { echo started; env; }\n",
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(root.join("more.conf"), "[SERVICE]\n").unwrap();
        Self(root)
    }

    fn started(&self, metadata: &str) -> (Output, Duration) {
        let began = Instant::now();
        let done = Command::new(env!("CARGO_BIN_EXE_launch"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LAUNCH_ROOT", &self.0)
            .env("aws_fluent_bit_init_file_1", self.0.join("more.conf"))
            .env("ECS_CONTAINER_METADATA_URI_V4", metadata)
            .output()
            .unwrap();
        (done, began.elapsed())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn text(done: &Output) -> String {
    String::from_utf8_lossy(&[&*done.stdout, &*done.stderr].concat()).into_owned()
}

#[test]
fn metadata_that_comes_late_is_asked_for_again_and_then_known() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v4/0f9d", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let late = "HTTP/1.0 500 Not Yet\r\n\r\n".to_owned();
        let found = format!("HTTP/1.0 200 OK\r\n\r\n{TASK}");
        for answer in [late.clone(), late, found] {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            assert_eq!(lines.next().unwrap(), "GET /v4/0f9d/task HTTP/1.0");
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
    let (done, _) = Image::new("late").started(&address);
    server.join().unwrap();
    let text = text(&done);
    assert!(done.status.success(), "{text}");
    assert_eq!(text.matches("asks again").count(), 2, "{text}");
    assert!(text.contains("started\n"), "{text}");
    for variable in [
        "AWS_REGION=eu-west-1",
        "ECS_CLUSTER=prod",
        "ECS_TASK_ID=0f9d",
    ] {
        assert!(
            text.contains(&format!("\n{variable}\n")),
            "{variable}: {text}"
        );
    }
}

/// With empty variables for good, records would go to groups of wrong names.
#[test]
fn without_metadata_the_start_is_refused_after_20_seconds() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v4/0f9d", unused.local_addr().unwrap());
    drop(unused);
    let (done, took) = Image::new("none").started(&address);
    let text = text(&done);
    assert!(!done.status.success(), "{text}");
    assert!(!text.contains("started\n"), "{text}");
    let refusal = "Fluent Bit is not started: the task's metadata (ECS_CONTAINER_METADATA_URI_V4) could not be read for ";
    assert!(text.contains(refusal), "{text}");
    assert!(
        text.contains(&format!("{address}/task: nothing listens there")),
        "{text}"
    );
    assert!((15..30).contains(&took.as_secs()), "{took:?}");
}
