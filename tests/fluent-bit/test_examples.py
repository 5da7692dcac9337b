"""The configurations that the project shows are ones that Fluent Bit takes."""

import subprocess
from pathlib import Path

import pytest
from router import load_arguments

# Those of one file; the others are parts of an image or of a task.
CONFIGURATIONS = sorted([*Path("examples").glob("*.conf"), *Path("examples/monitoring").glob("*.conf")])


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_a_dry_run_takes_it(binary, configuration, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    command = [binary, *load_arguments(), "--dry-run", "-c", configuration]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "configuration test is successful" in told.stdout + told.stderr
