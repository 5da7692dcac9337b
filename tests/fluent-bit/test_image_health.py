"""`healthcheck` against a real Fluent Bit."""

import re
import subprocess

import pytest
from image import TOOLS
from patience import wait_for
from router import cloudwatch, free_port, section
from stand_in import error, hang


class Check:
    """The image's `healthcheck` of one router."""

    def __init__(self, directory, port):
        self.state, self.port = directory / "health", port

    def __call__(self, *question):
        command = [TOOLS / "healthcheck", *question, "--port", str(self.port)]
        command += ["--state", self.state] if question[0] == "delivering" else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return done.returncode, (done.stdout + done.stderr).strip()

    def fails(self, max_age="0s"):
        return self("delivering", "--max-age", max_age)[0] != 0


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def check(directory, port):
    return Check(directory, port)


@pytest.fixture
def mounted(aws, docker, image, port):
    """A configuration that includes the image's file for health checks, on a free port; gives what writes it
    for another time that a delivery may take."""
    file = image.root / "fluent-bit/configs/output-metrics-healthcheck.conf"
    file.write_text(re.sub(r"0\.0\.0\.0|2020", lambda it: {"2020": str(port)}.get(it[0], "127.0.0.1"), file.read_text()))

    def mount(flush_timeout):
        options = {"log_key": "log", "flush_timeout": flush_timeout, "Retry_Limit": "no_limits"}
        text = section("SERVICE", **{"scheduler.base": 1, "scheduler.cap": 1}) + docker.tcp()
        text += f"@INCLUDE {file}\n\n{cloudwatch(aws, **options)}"
        image.write("fluent-bit/etc/fluent-bit.conf", text)

    mount("1s")
    return mount


def test_alive_is_the_http_servers_answer(check, image, mounted):
    status, told = check("alive")
    assert status != 0 and "HTTP_Server On" in told
    with image.start():
        wait_for(lambda: check("alive")[0] == 0, "an answer")
    assert check("alive")[0] != 0


def test_delivering_ends_with_an_outage_and_comes_back_after_it(aws, check, docker, image, mounted):
    with image.start(), docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
        wait_for(lambda: not check.fails(), "an output that delivers")
        aws.script(error("PutLogEvents", 503, "ServiceUnavailableException"))
        web.log("two")
        wait_for(check.fails, "an output that fails")
        status, told = check("delivering", "--max-age", "0s")
        assert status != 0 and re.match(r"not delivering: cloudwatch\.0 for \d+ s", told), told
        assert not check.fails("1h"), "the age is not reached"
        aws.heal()
        aws.wait_for_events(2)
        wait_for(lambda: not check.fails(), "an output that delivers again")
    assert aws.messages("/shop", "web-firelens-1") == ["one", "two"]


def test_a_delivery_that_does_not_end_is_found_before_it_is_tried_again(aws, check, docker, image, mounted):
    mounted("60s")
    aws.script(hang())
    with image.start() as fluent_bit, docker.container("web-firelens-1") as web:
        wait_for(lambda: not check.fails(), "an output that has nothing to do")
        web.log("one")
        wait_for(check.fails, "an output that waits")
        assert "not delivered yet" not in fluent_bit.lines()
        fluent_bit.kill()


def test_a_quiet_router_is_well(check, image, mounted):
    with image.start():
        wait_for(lambda: not check.fails(), "metrics, which are there a moment later than the server")
        assert [check.fails() for _ in range(3)] == [False] * 3
