"""What is compared: the sections of each output for the same job."""

import os

RECORD = """
[FILTER]
    Name record_modifier
    Match *
    Record ec2_instance_id i-0abc12de34f567890
    Record ecs_cluster prod
    Record ecs_task_arn arn:aws:ecs:us-east-1:123456789012:task/prod/0f9de17a6465404e8b1b2356dc13c2f8
    Record ecs_task_definition shop:7
    Record container_name /ecs-shop-7-web-b2a1
    Record source stdout
"""

CLOUDWATCH = {"region": "us-east-1", "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "on"}
FIREHOSE = {"region": "us-east-1", "delivery_stream": "bench"}
KINESIS = {"region": "us-east-1", "stream": "bench"}
LOG_KEY = {"log_key": "log"}

JOBS = {
    "whole record": ("cloudwatch", "cloudwatch_logs", CLOUDWATCH),
    "`log_key log`": ("cloudwatch", "cloudwatch_logs", CLOUDWATCH | LOG_KEY),
    "Firehose": ("firehose", "kinesis_firehose", FIREHOSE),
    "Kinesis": ("kinesis", "kinesis_streams", KINESIS),
}


def sections(job, which, port, certificate):
    """The output section of `ours`, `C`, `Go` or `null` for a job."""
    ours, native, options = JOBS[job]
    if which == "null":
        return section("null", {})
    if which == "C":
        return section(native, options | {"host": "127.0.0.1", "endpoint": "127.0.0.1", "port": port, "tls.ca_file": certificate})
    return section(ours, options | {"endpoint": f"https://127.0.0.1:{port}"})


def section(name, options):
    lines = [f"    {key} {value}" for key, value in ({"Name": name, "Match": "*"} | options).items()]
    return "\n".join(["[OUTPUT]", *lines, ""])


def libraries(job, which):
    """Shared libraries that Fluent Bit is to load."""
    name = JOBS[job][0]
    if which == "Go":
        return [os.environ[f"GO_{name.upper()}"]]
    return [os.path.join(os.environ["PLUGIN_DIR"], f"{name}.so")] if which == "ours" else []


def competitors(job):
    go = [f"GO_{JOBS[job][0].upper()}"]
    return ["null", "ours", "C"] + (["Go"] if all(os.environ.get(name) for name in go) else [])
