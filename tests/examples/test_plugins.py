"""Every output of an example delivers a record, through the plugin host: no Fluent Bit is needed."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from conftest import SYSTEMS, example, read_task, sections

TASK_ID = "0f9de17a6465404e8b1b2356dc13c2f8"
RECORD = {
    key: key.strip("_").lower()
    for key in ["log", "message", "MESSAGE", "host", "ident", "container", "container_id", "family", "_SYSTEMD_UNIT"]
} | {"file": "/var/log/messages", "ecs_cluster": "prod"}
OF_THE_HOST = {"name", "match", "match_regex", "retry_limit", "log-driver-buffer-limit", "include-pattern"}


def outputs(system):
    """Name and options of each output, and a tag that reaches it."""
    for container in read_task(f"{system}/task.json")["containerDefinitions"]:
        logs = container["logConfiguration"] if "logConfiguration" in container else {}
        if logs.get("logDriver") == "awsfirelens":
            yield logs["options"]["Name"], logs["options"], f"{container['name']}-firelens-{TASK_ID}"
    path = example(f"{system}/router.conf")
    for kind, options in sections(path.read_text()) if path.exists() else []:
        if kind == "OUTPUT" and options["name"] in ("cloudwatch", "firehose"):
            yield options["name"], options, f"task.{TASK_ID}"


ALL = [(system, *output) for system in SYSTEMS for output in outputs(system)]


def test_each_example_has_outputs():
    assert {system for system, *_ in ALL} == set(SYSTEMS)


@pytest.mark.parametrize("system,plugin,options,tag", ALL)
def test_an_output_delivers(aws, toward_the_stand_in, system, plugin, options, tag):
    given = {key: value.replace("${HOSTNAME}", "ip-10-0-0-1") for key, value in options.items()}
    given = [f"--option={key}={value}" for key, value in given.items() if key.lower() not in OF_THE_HOST]
    arguments = [part for option in given for part in option.split("=", 1)]
    line = json.dumps({"time": int(time.time()), "record": RECORD})
    host = Path(os.environ["TOOL_DIR"]) / "plugin-host"
    done = subprocess.run(
        [host, "--plugin", plugin, "--tag", tag, "--jsonl", *arguments],
        input=line, capture_output=True, text=True, env=os.environ | toward_the_stand_in,
    )
    assert done.stdout.endswith("verdict ok\n"), done.stdout + done.stderr
    assert "went to another log" not in done.stdout
    delivered = aws.event_count() if plugin == "cloudwatch" else aws.record_count()
    assert delivered == 1
