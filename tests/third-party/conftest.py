"""moto's server, boto3 clients that ask it, and the plugins as built that write to it."""

import os
import re
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

REGION = "eu-west-1"


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    """The URL of a moto server of our own."""
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=output, stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port_of(server, log)}"
    finally:
        server.terminate()
        server.wait()


def port_of(server, log):
    """The port that moto took, once it says so."""
    while server.poll() is None:
        if found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
    pytest.exit(f"moto's server ended:\n{log.read_text()}", returncode=1)


class Aws:
    """boto3 clients of one moto."""

    def __init__(self, url):
        self.url = url

    def client(self, service, **identity):
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, config=config, **identity
        )

    def events(self, group, stream):
        """All events of a stream, as `(milliseconds, message)`, from the head."""
        logs, token, found = self.client("logs"), {}, []
        while True:
            page = logs.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=True, **token
            )
            if not page["events"]:
                return found
            found += [(event["timestamp"], event["message"]) for event in page["events"]]
            token = {"nextToken": page["nextForwardToken"]}

    def messages(self, group, stream):
        return [message for _, message in self.events(group, stream)]

    def delivery_stream(self, name, prefix=""):
        """Makes a delivery stream that writes to a bucket of its name."""
        self.client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/delivery",
                "BucketARN": f"arn:aws:s3:::{name}",
                "Prefix": prefix,
            },
        )
        return name

    def objects(self, bucket):
        """The bytes of each object of a bucket, the oldest first."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        listed = [entry for page in pages for entry in page.get("Contents", [])]
        listed.sort(key=lambda entry: entry["LastModified"])
        return [s3.get_object(Bucket=bucket, Key=it["Key"])["Body"].read() for it in listed]

    def kinesis_stream(self, name, shards=1):
        """Makes a stream of Kinesis Data Streams."""
        self.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
        return name

    def kinesis_records(self, stream):
        """The records of each shard in the order stored, as `(partition key, data)`."""
        kinesis, shards = self.client("kinesis"), []
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            found, iterator = [], kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
                if not page["Records"]:
                    break
                found += [(record["PartitionKey"], record["Data"]) for record in page["Records"]]
                iterator = page["NextShardIterator"]
            shards.append(found)
        return shards

    def check_identities(self, check):
        """Whether signatures and policies are checked from now on."""
        count = b"0" if check else b"inf"
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", data=count, headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request).close()


@pytest.fixture
def aws(moto):
    """A moto with nothing in it."""
    reset = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    return Aws(moto)


@dataclass
class Flushed:
    """What a plugin did with a chunk."""

    verdict: str
    lines: list[str]

    def line(self, part):
        found = [line for line in self.lines if part in line]
        assert found, f"no line has `{part}`: {self.lines}"
        return found[0]


@pytest.fixture
def flush(moto):
    """Gives a plugin one chunk, in a process of its own."""

    def flush(plugin, options, chunk, *, tag="web-firelens-1", arguments=(), env=None):
        options = {"region": REGION, "endpoint": moto, "flush_timeout": "5s"} | options
        settings = [f"--option={key}={value}".split("=", 1) for key, value in options.items()]
        command = [
            Path(os.environ["TOOL_DIR"]) / "plugin-host", "--plugin", plugin, "--tag", tag,
            *(part for setting in settings for part in setting), *arguments,
        ]
        done = subprocess.run(
            command, input=chunk, capture_output=True, env=os.environ | (env or {}), timeout=60
        )
        assert done.returncode in (0, 2), done.stderr.decode()
        *lines, last = done.stdout.decode().splitlines()
        return Flushed(last.removeprefix("verdict "), lines)

    return flush
