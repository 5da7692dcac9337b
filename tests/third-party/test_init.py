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
            s3.put_object(Bucket="configs", Key=key, Body=text.encode())
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


class Elsewhere(BaseHTTPRequestHandler):
    """S3 in one region for a bucket in another; and the task's metadata."""

    def do_GET(self):
        signed = self.headers.get("authorization", "")
        if self.path == "/v4/x/task":
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
        server.leads_to = "ap-south-1"
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
