"""The examples, and what they are tried with."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "fluent-bit"))

from docker import Docker  # noqa: E402
from stand_in import StandIn  # noqa: E402

SYSTEMS = ["firelens", "awslogs", "rsyslog", "logspout", "instance"]


def example(path):
    return ROOT / "examples" / path


def read_task(path):
    return json.loads(example(path).read_text())


def migrate(*arguments):
    """What the tool answers: its status and its lines."""
    tool = Path(os.environ["TOOL_DIR"]) / "migrate"
    done = subprocess.run([tool, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def write(file):
    """The status of `migrate --write`, the file that it writes, and what it says."""
    tool = Path(os.environ["TOOL_DIR"]) / "migrate"
    done = subprocess.run([tool, "--write", file], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


WRITTEN = []
"""How each fixture was started after its migration, and its name."""


def pytest_terminal_summary(terminalreporter):
    ways = Counter(way for way, _ in WRITTEN)
    for way, count in sorted(ways.items(), key=lambda it: it[0].replace("not started", "zzz")):
        names = ", ".join(name for own, name in WRITTEN if own == way)
        terminalreporter.write_line(f"migrate --write, {count} of {len(WRITTEN)} {way}: {names}")


def sections(text):
    """The sections of a classic configuration, as `(kind, {key in lower case: value})`."""
    found = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line and line[0] not in "#@":
            key, _, value = line.partition(" ")
            found[-1][1][key.lower()] = value.strip()
    return found


@pytest.fixture
def directory():
    """A directory with a short name, as the path of a Unix socket has 108 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix="examples-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def aws():
    with StandIn("--delivery-stream", "shop-worker", "--kinesis-stream", "shop-orders") as stand_in:
        yield stand_in


@pytest.fixture
def docker(directory):
    return Docker(directory)


@pytest.fixture
def toward_the_stand_in(aws):
    """The environment of a router: the examples name no endpoint."""
    return {"AWS_ENDPOINT_URL": aws.url, "HOSTNAME": "ip-10-0-0-1"}
