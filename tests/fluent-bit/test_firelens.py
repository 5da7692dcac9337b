"""The configurations that the ECS agent writes, of each network mode, in a real Fluent Bit."""

import json
from pathlib import Path

import pytest
from router import free_port

FOLDER = Path(__file__).resolve().parents[1] / "firelens"
CASES = sorted(path.stem for path in FOLDER.glob("*.conf"))
TASK = "0f9de17a6465404e8b1b2356dc13c2f8"
SOURCES = FOLDER.parents[1] / "fluent-bit"


def generated(case):
    """The text, with the image's files where the sources have them."""
    return (FOLDER / f"{case}.conf").read_text().replace("@INCLUDE /fluent-bit/", f"@INCLUDE {SOURCES}/")


def secrets(url):
    """What the agent puts into the router's environment for options that are secrets."""
    return {"endpoint_1": url, "endpoint_2": url}


@pytest.mark.parametrize("case", CASES)
def test_each_passes_a_dry_run(aws, case, router):
    fluent_bit = router(generated(case), arguments=["--dry-run"], env=secrets(aws.url)).start()
    assert fluent_bit.process.wait(20) == 0, fluent_bit.lines()
    assert "configuration test is successful" in fluent_bit.lines()


@pytest.mark.parametrize("case", CASES)
def test_each_delivers(aws, case, docker, router):
    """By the socket, and where there is one by the port; the addresses are this test's."""
    text = generated(case)
    moved = {
        "/var/run/fluent.sock": docker.path, "Listen 0.0.0.0": "Listen 127.0.0.1",
        "Port 24224": f"Port {docker.port}", "Port 8877": f"Port {free_port()}",
    }
    for here, there in moved.items():
        text = text.replace(here, str(there))
    by = "tcp" if "24224" in generated(case) else "unix"
    with router(text, env=secrets(aws.url)), docker.container(f"web-firelens-{TASK}", "unix") as web, \
            docker.container(f"worker-firelens-{TASK}", by) as worker:
        web.log_all(["one", "GET /healthz 200", "two"])
        worker.log_all(["INFO no", "WARN yes", "ERROR yes"])
        aws.wait_for_events(2)
        aws.wait_for_records(2)
    assert aws.messages("/shop/prod", f"web/{TASK}") == ["one", "two"]
    expected = [f'{{"ecs_task_definition":"shop:7","log":"{level} yes"}}' for level in ["ERROR", "WARN"]]
    assert sorted(ordered(record) for record in aws.records("shop")) == expected


def ordered(record):
    return json.dumps(json.loads(record), sort_keys=True, separators=(",", ":"))
