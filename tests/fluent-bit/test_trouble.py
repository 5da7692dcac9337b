"""Services that fail, hang or are gone; nothing is lost, and nobody else waits."""

import socket
import threading
import time

import pytest
from patience import wait_for
from router import cloudwatch, firehose, free_port, section, service
from stand_in import error

TROUBLES = {
    "throttled": (400, "ThrottlingException"),
    "unavailable": (503, "ServiceUnavailableException"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_three_bad_seconds_lose_and_double_nothing(aws, docker, router, trouble):
    """With the host's own `Retry_Limit` of 1."""
    config = service() + docker.tcp() + cloudwatch(aws, log_key="log") + firehose(aws, log_key="log")
    lines = [f"line {n}" for n in range(200)]
    with router(config), docker.container("web") as web:
        web.log("before")
        aws.wait_for_events(1)
        for operation in ["PutLogEvents", "PutRecordBatch"]:
            aws.script(error(operation, *TROUBLES[trouble]))
        until = time.monotonic() + 3
        for line in lines:
            web.log(line)
        failing = lambda: time.monotonic() > until and aws.calls("PutLogEvents")[-1]["status"] != 200
        wait_for(failing, "calls that fail for three seconds")
        aws.heal()
        aws.wait_for_events(201)
        aws.wait_for_records(201)
    assert sorted(aws.messages("/shop", "web")) == sorted(["before", *lines])
    assert sorted(aws.records("shop")) == sorted(f"{line}\n".encode() for line in ["before", *lines])


def test_twenty_megabytes_pending_at_the_end_are_delivered(aws, docker, router):
    config = service(Flush=30) + docker.tcp()
    config += cloudwatch(aws, Match="web", log_key="log") + firehose(aws, Match="worker", log_key="log")
    lines = [f"{n:05} " + "z" * 1000 for n in range(10000)]
    with router(config) as fluent_bit:
        for tag in ["web", "worker"]:
            with docker.container(tag) as container:
                container.log_all([*lines, "the last"])
        assert aws.event_count() == 0
        wait_for(lambda: read_to_the_end(docker), "an input that has read everything")
        assert fluent_bit.terminate() == 0
    assert sorted(aws.messages("/shop", "web")) == [*lines, "the last"]
    assert sorted(record.decode().rstrip("\n") for record in aws.records("shop")) == [*lines, "the last"]


def read_to_the_end(docker):
    """Whether nothing sent to the forward input still waits in a socket of this machine."""
    port = f":{docker.port:04X}"
    with open("/proc/net/tcp") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    # Each row: number, local address, remote address, state, bytes to send : bytes to read.
    ours = [row for row in rows if port in (row[1][-5:], row[2][-5:])]
    listening = "0A"
    return all(row[4] == "00000000:00000000" for row in ours if row[3] != listening)


def latencies(aws, docker, count):
    """How long a line takes from the driver to the service, in seconds, the slowest last."""
    found = []
    with docker.container("lively") as container:
        for n in range(count):
            began = time.monotonic()
            container.log(str(n))
            wait_for(lambda: aws.event_count() > n, f"line {n}", every=0.001)
            found.append(time.monotonic() - began)
    return sorted(found)


def test_an_endpoint_that_never_answers_slows_no_other_output(aws, docker, router):
    flush = 0.1
    with StuckNeighbour() as stuck:
        config = service(Flush=flush, Log_Level="debug") + docker.tcp()
        config += cloudwatch(aws, Match="lively", log_key="log")
        config += cloudwatch(aws, Match="stuck*", endpoint=stuck.url)
        config += firehose(aws, Match="stuck*", endpoint=stuck.url)
        # What is stuck now would keep the host for its grace.
        with router(config) as fluent_bit:
            alone = latencies(aws, docker, 30)
            aws.ask("forget", body={})
            for n in range(100):
                with docker.container(f"stuck-{n}") as container:
                    container.log("a chunk of its own")
            wait_for(lambda: fluent_bit.lines().count("created task=") >= 100, "a hundred chunks")
            beside = latencies(aws, docker, 60)
            fluent_bit.kill()
    print(f"alone: p50 {alone[15]:.3f} s, max {alone[-1]:.3f} s; "
          f"beside: p50 {beside[30]:.3f} s, max {beside[-1]:.3f} s")
    # A blocked engine shows as the flush timeout of 10 s; a busy machine shows in some lines.
    assert beside[30] < alone[15] + 0.05
    assert beside[-1] < alone[-1] + 0.25


class StuckNeighbour:
    """Accepts connections and never answers."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def accept(self):
        while True:
            try:
                self.connections.append(self.listener.accept()[0])
            except OSError:
                return

    @property
    def accepted(self):
        return len(self.connections)


def test_a_backlog_in_the_file_system_is_delivered_after_a_crash(aws, directory, docker, router):
    storage = {"storage.path": directory / "storage", "storage.sync": "full"}
    config = service(**storage) + section(
        "INPUT", ("Name", "forward"), ("Listen", "127.0.0.1"), ("Port", docker.port),
        ("storage.type", "filesystem"),
    )
    config += cloudwatch(aws, log_key="log", Retry_Limit="no_limits")
    lines = [f"line {n}" for n in range(100)]
    aws.script(error("PutLogEvents", 503, "ServiceUnavailableException"))
    with router(config) as fluent_bit, docker.container("web") as web:
        web.log_all(lines)
        wait_for(lambda: read_to_the_end(docker) and aws.calls("PutLogEvents"), "calls that fail")
        wait_for(lambda: stored(directory) > 100 * 100, "chunks in the file system")
        fluent_bit.kill()
    assert aws.event_count() == 0
    aws.heal()
    with router(config):
        aws.wait_for_events(100)
    assert sorted(aws.messages("/shop", "web")) == sorted(lines)


def stored(directory):
    return sum(file.stat().st_size for file in (directory / "storage").rglob("*.flb"))


def test_a_dead_service_fills_no_log(aws, docker, router, version):
    """Fewer than ten lines a minute for each output, of the plugin's own."""
    dead = {"endpoint": f"http://127.0.0.1:{free_port()}", "flush_timeout": "1s"}
    config = service(**{"scheduler.base": 1, "scheduler.cap": 1}) + docker.tcp()
    config += cloudwatch(aws, Retry_Limit="no_limits", **dead) + firehose(aws, Retry_Limit="no_limits", **dead)
    own = lambda lines, output: [line for line in lines if output in line and "worker" not in line]
    with router(config) as fluent_bit:
        for n in range(5):
            with docker.container(f"web-{n}") as container:
                container.log("a line")
        # Each chunk is tried again each second or two.
        tried = lambda: fluent_bit.lines().count("failed to flush chunk") >= 40
        wait_for(tried, "chunks that fail", patience=60)
        lines = fluent_bit.lines().splitlines()
        fluent_bit.kill()
    for output in ["[output:cloudwatch:", "[output:firehose:"]:
        told = own(lines, output)
        assert 1 <= len(told) < 10, told
        assert "the host is asked to bring the chunk again" in told[0]
