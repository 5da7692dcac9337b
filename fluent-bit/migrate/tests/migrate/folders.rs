//! Several files and folders: which are parts of others, and which cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run_in;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const OUTPUT: &str =
    "[OUTPUT]\n    Name firehose\n    Match *\n    region us-east-1\n    delivery_stream app\n";
const TASK: &str = r#"resource "aws_ecs_task_definition" "app" {
  family                = "app"
  network_mode          = "awsvpc"
  task_role_arn         = "arn:aws:iam::123456789012:role/app"
  container_definitions = jsonencode([local.router])
}
"#;
const ROUTER: &str = r#"locals {
  router = {
    name                  = "router"
    image                 = "amazon/aws-for-fluent-bit:stable"
    firelensConfiguration = { type = "fluentbit" }
  }
}
"#;

#[test]
fn locals_are_followed_into_a_file_of_the_same_call_and_one_of_the_same_folder() {
    let folder = folder("locals");
    write(&folder, "app/main.tf", TASK);
    write(&folder, "shared/router.tf", ROUTER);
    let (status, alone) = run_in(&folder, &["app/main.tf"], "");
    assert_eq!(status, 2, "{alone}");
    assert!(
        alone.contains("containers come from `${local.router}`"),
        "{alone}"
    );
    let (status, both) = run_in(&folder, &["app/main.tf", "shared/router.tf"], "");
    assert_eq!(status, 0, "{both}");
    assert!(
        both.contains("assumed: main.tf, line 5: `local.router` was read from router.tf"),
        "{both}"
    );
    // Of a folder, each folder below it is a module of its own.
    let (status, whole) = run_in(&folder, &["."], "");
    assert_eq!(status, 2, "{whole}");
    write(&folder, "app/router.tf", ROUTER);
    let (status, near) = run_in(&folder, &["app/main.tf"], "");
    assert_eq!(status, 0, "{near}");
    assert!(
        near.contains("`local.router` was read from router.tf: make its edits in that file"),
        "{near}"
    );
}

#[test]
fn a_file_of_values_is_a_part_of_the_file_that_uses_it() {
    let folder = folder("values");
    let task = TASK.replace(
        "[local.router]",
        r#"[local.router, {
    name = "app", image = "x", logConfiguration = { logDriver = "awsfirelens", options = {
      Name = "firehose", region = var.region, delivery_stream = "app" } } }]"#,
    );
    write(&folder, "main.tf", task + ROUTER);
    write(
        &folder,
        "variables.tf",
        "variable \"region\" {\n  default = \"eu-west-1\"\n}\n",
    );
    let (status, text) = run_in(&folder, &["main.tf", "variables.tf"], "");
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains("not read"), "{text}");
    assert!(
        text.contains("`var.region` was read as its default in variables.tf"),
        "{text}"
    );
    assert!(text.contains(":firehose:eu-west-1:"), "{text}");
    // What the caller must give is not known.
    write(
        &folder,
        "variables.tf",
        "variable \"region\" {\n  default = \"\"\n}\n",
    );
    let (_, text) = run_in(&folder, &["main.tf"], "");
    assert!(
        text.contains("`region` is `${var.region}`: its value is not known here"),
        "{text}"
    );
}

#[test]
fn variables_of_a_router_are_read_where_their_file_is_given() {
    let folder = folder("variables");
    let task = r#"{"family": "a", "networkMode": "awsvpc", "taskRoleArn": "r", "containerDefinitions": [
        {"name": "router", "image": "amazon/aws-for-fluent-bit:stable", "stopTimeout": 60,
         "environmentFiles": [{"value": "arn:aws:s3:::settings/router.env", "type": "s3"}],
         "firelensConfiguration": {"type": "fluentbit"}}]}"#;
    write(&folder, "task.json", task);
    write(
        &folder,
        "elsewhere/router.env",
        "aws_fluent_bit_init_s3_1=arn:aws:s3:::settings/more.conf\n",
    );
    write(&folder, "elsewhere/more.conf", OUTPUT);
    let (status, alone) = run_in(&folder, &["task.json"], "");
    assert!(
        alone.contains("settings/router.env` has variables of the router: it is not read"),
        "{alone}"
    );
    assert_eq!(status, 0, "{alone}");
    let files = ["task.json", "elsewhere/router.env", "elsewhere/more.conf"];
    let (status, all) = run_in(&folder, &files, "");
    assert_eq!(status, 0, "{all}");
    assert!(!all.contains("not read"), "{all}");
    assert!(
        all.contains("the variables of `arn:aws:s3:::settings/router.env` were read"),
        "{all}"
    );
    assert!(
        all.contains("more.conf, line 1: output `firehose`"),
        "{all}"
    );
    let of_init = r#"["s3:GetObject"], "Resource": ["arn:aws:s3:::settings/more.conf"]"#;
    assert!(all.contains(of_init), "{all}");
}

#[test]
fn a_folder_says_which_of_its_files_cannot_be_read() {
    let folder = folder("unreadable");
    write(&folder, "a.conf", OUTPUT);
    write(&folder, "logo.png", b"\x89PNG\r\n\x1a\n\xff");
    let (status, text) = run_in(&folder, &["."], "");
    assert_eq!(status, 0, "{text}");
    assert!(text.ends_with("1 file is not text\n"), "{text}");
    std::os::unix::fs::symlink("a.conf", folder.join("b.conf")).unwrap();
    write(
        &folder,
        "latin.conf",
        b"[OUTPUT]\n    Name firehose # \xe9\n",
    );
    write(&folder, "large.json", vec![b' '; 9 * 1024 * 1024]);
    let deep: String = (0..14).map(|level| format!("{level}/")).collect();
    write(&folder, &format!("{deep}x.conf"), OUTPUT);
    let (status, text) = run_in(&folder, &["."], "");
    assert_eq!(status, 2, "{text}");
    for said in [
        "not read: ./latin.conf: it is no UTF-8 text: see byte 29\n",
        "not read: ./large.json: it has 9437184 bytes",
        "it is more than 12 folders below: name it by itself\n",
        "1 symbolic link was not followed\n",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}
