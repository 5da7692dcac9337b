"""The image's init reads its files from S3: here from moto, and from a server that leads elsewhere."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from conftest import REGION

FLUENT_BIT = """#!/bin/sh
[ "$1" = --version ] && { echo 'Fluent Bit v0.0.0'; exit; }
for argument; do echo "argument $argument"; done
env
"""
"""Tells what it was started with."""


class Launch:
    """The entry point, in a folder that stands for the image's root."""

    def __init__(self, root):
        self.root = root
        program = root / "fluent-bit/bin/fluent-bit"
        program.parent.mkdir(parents=True)
        program.write_text(FLUENT_BIT)
        program.chmod(0o755)

    def __call__(self, endpoint, *objects, **env):
        variables = {f"aws_fluent_bit_init_s3_{n}": arn for n, arn in enumerate(objects, 1)}
        own = {"LAUNCH_ROOT": str(self.root), "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION}
        command = [Path(os.environ["TOOL_DIR"]) / "launch"]
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | own | variables | env, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def folder(self):
        return self.root / "init/fluent-bit-init-s3-files"


@pytest.fixture
def launch(tmp_path):
    return Launch(tmp_path)


@pytest.fixture
def bucket(aws):
    """Puts texts into a bucket; their ARNs."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="configs", CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(*objects):
        for key, text in objects:
            s3.put_object(Bucket="configs", Key=key, Body=text if isinstance(text, bytes) else text.encode())
        return [f"arn:aws:s3:::configs/{key}" for key, _ in objects]

    return put


def test_objects_are_included_or_loaded_as_parsers(aws, bucket, launch):
    filters, parsers = "[FILTER]\n    Name grep\n", "[PARSER]\n    Name x\n    Format json\n"
    arns = bucket(("a/x.conf", filters), ("b/x.conf", filters * 2), ("p.conf", parsers))
    status, told = launch(aws.url, *arns)
    assert status == 0, told
    arguments = [line.removeprefix("argument ") for line in told.splitlines() if line.startswith("argument ")]
    assert arguments[-4:] == [
        "-c", f"{launch.root}/init/fluent-bit-init.conf", "-R", f"{launch.folder}/p.conf",
    ]
    main = (launch.root / "init/fluent-bit-init.conf").read_text()
    assert [line.split()[1] for line in main.splitlines() if line.startswith("@INCLUDE")] == [
        f"{launch.root}/fluent-bit/etc/fluent-bit.conf", f"{launch.folder}/x.conf", f"{launch.folder}/2-x.conf",
    ]
    assert [(launch.folder / name).read_text() for name in ["x.conf", "2-x.conf"]] == [filters, filters * 2]


def test_each_object_that_is_missing_is_told_with_what_s3_says(aws, bucket, launch):
    bucket(("there", ""))
    missing = ["arn:aws:s3:::configs/none", "arn:aws:s3:::no-bucket/none"]
    status, told = launch(aws.url, "arn:aws:s3:::configs/there", *missing)
    assert status == 1 and "argument" not in told
    assert f"aws_fluent_bit_init_s3_2: {missing[0]} cannot be read: NoSuchKey" in told
    assert f"aws_fluent_bit_init_s3_3: {missing[1]} cannot be read: NoSuchBucket" in told
    assert told.count("(HTTP 404)") == 2


def test_an_object_that_may_not_be_read_is_told(aws, bucket, launch):
    (arn,) = bucket(("x.conf", ""))
    iam = aws.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    identity = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    aws.check_identities(True)
    status, told = launch(aws.url, arn, **identity)
    aws.check_identities(False)
    assert status == 1 and f"{arn} cannot be read: AccessDenied" in told and "(HTTP 403)" in told


def test_bytes_that_are_no_utf_8_stay_as_they_are(aws, bucket, launch):
    latin = b"[FILTER]\n    Name grep # caf\xe9\n"
    status, told = launch(aws.url, *bucket(("x.conf", latin)))
    assert status == 0, told
    assert (launch.folder / "x.conf").read_bytes() == latin


def test_sections_of_one_file_go_to_fluent_bit_each_in_its_way(aws, bucket, launch):
    mixed = "[FILTER]\n    Name grep\n[PARSER]\n    Name x\n[STREAM_TASK]\n    Name s\n"
    status, told = launch(aws.url, *bucket(("m.conf", mixed), ("s.conf", "[STREAM_TASK]\n    Name t\n")))
    assert status == 0, told
    assert f"argument {launch.folder}/parsers-of-m.conf" in told
    main = (launch.root / "init/fluent-bit-init.conf").read_text()
    assert f"@INCLUDE {launch.folder}/sections-of-m.conf\n" in main and f"@INCLUDE {launch.folder}/s.conf" not in main
    assert f"    Streams_File {launch.folder}/streams.conf\n" in main
    assert (launch.folder / "streams.conf").read_text() == "[STREAM_TASK]\n    Name s\n[STREAM_TASK]\n    Name t\n"


def test_an_object_that_is_too_large_is_told(aws, bucket, launch):
    (arn,) = bucket(("x.conf", "#" * 1_048_577))
    status, told = launch(aws.url, arn)
    assert status == 1
    assert f"aws_fluent_bit_init_s3_1: {arn} cannot be read: it has more than 1048576 bytes" in told


def test_yaml_makes_the_whole_configuration_yaml(aws, bucket, launch):
    own = launch.root / "fluent-bit/etc/fluent-bit.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[INPUT]\n    Name forward\n")
    status, told = launch(aws.url, *bucket(("x.yaml", "pipeline:\n  outputs:\n    - name: stdout\n")))
    assert status == 0, told
    assert f"argument {launch.root}/init/fluent-bit-init.yaml" in told
    main = (launch.root / "init/fluent-bit-init.yaml").read_text()
    assert f'  - "{launch.folder}/fluent-bit.conf.yaml"\n  - "{launch.folder}/x.yaml"\n' in main


def test_a_file_that_is_not_there_is_told_with_its_variable_and_the_likely_one(aws, launch):
    likely = launch.root / "fluent-bit/configs/parse-json.conf"
    likely.parent.mkdir(parents=True)
    likely.write_text("")
    status, told = launch(aws.url, aws_fluent_bit_init_file_3="/configs/parse-json.conf")
    assert status == 1
    assert f"aws_fluent_bit_init_file_3: /configs/parse-json.conf: No such file or directory (os error 2); is {likely} meant?" in told


@pytest.mark.parametrize("text,stays", [("[SERVICE]\n    Log_Level info\n", False), ("[SERVICE]\n    Flush 1\n", True)])
def test_the_level_of_the_configuration_counts(aws, launch, text, stays):
    own = launch.root / "fluent-bit/etc/fluent-bit.conf"
    own.parent.mkdir(parents=True)
    own.write_text(text)
    status, told = launch(aws.url, FLB_LOG_LEVEL="debug")
    assert status == 0, told
    assert ("FLB_LOG_LEVEL=debug" in told.splitlines()) == stays
    assert ("FLB_LOG_LEVEL is left out" in told) != stays


class Elsewhere(BaseHTTPRequestHandler):
    """S3 in one region for a bucket in another; and the task's metadata."""

    def do_GET(self):
        signed = self.headers.get("authorization", "")
        if self.path == "/v4/x/task" and self.server.failures > 0:
            self.server.failures -= 1
            self.answer(500, "")
        elif self.path == "/v4/x/task":
            self.answer(200, json.dumps(TASK))
        elif "/ap-south-1/s3/" in signed:
            self.answer(200, "[FILTER]\n    Name grep\n")
        else:
            body = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>"
            self.answer(301, body, ("x-amz-bucket-region", self.server.leads_to))

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in [("content-length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


TASK = {
    "Cluster": "prod", "TaskARN": "arn:aws:ecs:eu-central-1:123456789012:task/prod/0f9d", "Family": "shop",
    "Revision": "7", "AvailabilityZone": "eu-central-1a", "LaunchType": "FARGATE",
}


@pytest.fixture
def elsewhere():
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever).start()
        server.leads_to, server.failures = "ap-south-1", 0
        yield server
        server.shutdown()


def url(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_a_bucket_of_another_region_is_followed_there_and_that_is_told(elsewhere, launch):
    arn = "arn:aws:s3:::abroad/x.conf"
    status, told = launch(url(elsewhere), arn)
    assert status == 0, told
    assert f"{arn} is in ap-south-1, not in {REGION}" in told
    assert (launch.folder / "x.conf").read_text().startswith("[FILTER]")


def test_a_redirect_that_does_not_end_is_told(elsewhere, launch):
    elsewhere.leads_to = "sa-east-1"
    status, told = launch(url(elsewhere), "arn:aws:s3:::abroad/x.conf")
    assert status == 1 and "PermanentRedirect: elsewhere (HTTP 301)" in told


def test_the_tasks_metadata_becomes_variables(elsewhere, launch):
    env = {
        "ECS_CONTAINER_METADATA_URI_V4": f"{url(elsewhere)}/v4/x", "aws_fluent_bit_init_s3": "arn:aws:s3:::abroad/x",
        "ECS_FAMILY": "own", "AWS_REGION": "",
    }
    status, told = launch(url(elsewhere), **env)
    assert status == 0, told
    assert "is in ap-south-1, not in eu-central-1" in told
    assert {"ECS_TASK_ID=0f9d", "ECS_TASK_DEFINITION=shop:7", "ECS_CLUSTER=prod", "ECS_FAMILY=own", "AWS_REGION=eu-central-1"} <= set(told.splitlines())


def test_the_metadata_is_asked_for_again(elsewhere, launch):
    elsewhere.failures = 2
    env = {"ECS_CONTAINER_METADATA_URI_V4": f"{url(elsewhere)}/v4/x", "aws_fluent_bit_init_ignore_firelens_config": "true"}
    status, told = launch(url(elsewhere), **env)
    assert status == 0, told
    assert told.count("has no metadata of the task yet, and asks again") == 2
    assert "ECS_TASK_ID=0f9d" in told.splitlines()
