"""The host's process: reloads under load, a daemon, a signal at the start."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from patience import wait_for
from router import cloudwatch, firehose, section, service


def test_ten_hot_reloads_under_load_lose_nothing(aws, directory, router, version):
    """Without worker threads of the host: it starts those of a plugin such as ours twice (in
    `flb_proxy_output_cb_init` and again in `flb_output_init_all`), stops the second set alone, and
    the first then reads an instance that a reload has freed."""
    if version < (2, 1, 0):
        pytest.skip("hot reload came with Fluent Bit 2.1")
    file = directory / "app.log"
    tail = section(
        "INPUT", Name="tail", Path=file, Tag="app", DB=directory / "offsets", Read_from_Head="true",
        Refresh_Interval=1,
    )
    options = {"log_key": "log", "concurrency": 0}
    config = service(Grace=5) + tail + cloudwatch(aws, **options) + firehose(aws, **options)
    with Writer(file) as writer, router(config, arguments=["-Y"]) as fluent_bit:
        for count in range(1, 11):
            before = aws.event_count()
            wait_for(lambda: aws.event_count() > before, "events between reloads")
            fluent_bit.process.send_signal(signal.SIGHUP)
            fluent_bit.wait_for_line("successful reload done", count=count)
        writer.stop()
        aws.wait_for_events(writer.count)
        aws.wait_for_records(writer.count)
    lines = {str(n) for n in range(writer.count)}
    assert set(aws.messages("/shop", "app")) == lines
    assert {record.decode().strip() for record in aws.records("shop")} == lines


class Writer:
    """Appends numbered lines to a file, some two hundred a second."""

    def __init__(self, file):
        self.file = file
        self.count = 0
        self.enough = threading.Event()
        self.thread = threading.Thread(target=self.write)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.enough.set()
        self.thread.join()

    def write(self):
        with self.file.open("w", buffering=1) as output:
            while not self.enough.wait(0.005):
                output.write(f"{self.count}\n")
                self.count += 1


def test_a_daemon_delivers(aws, directory, docker, router):
    config = service(Log_File=directory / "log") + docker.tcp()
    config += cloudwatch(aws, log_key="log") + firehose(aws, log_key="log")
    fluent_bit = router(config, arguments=["-d"]).start()
    assert fluent_bit.process.wait(10) == 0
    daemon = wait_for(lambda: running(fluent_bit.config), "a daemon")
    try:
        with docker.container("web") as web:
            web.log_all(["one", "two"])
        aws.wait_for_events(2)
        aws.wait_for_records(2)
    finally:
        os.kill(daemon, signal.SIGTERM)
    wait_for(lambda: not running(fluent_bit.config), "the end of the daemon")
    assert aws.messages("/shop", "web") == ["one", "two"]


def running(config):
    """The process that was started with this configuration file."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(config).encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                return int(entry.name)
        except OSError:
            continue
    return None


def test_a_signal_right_after_the_start_ends_it_cleanly(aws, docker, router):
    with router(service() + docker.tcp() + cloudwatch(aws) + firehose(aws)) as fluent_bit:
        fluent_bit.wait_for_line("cloudwatch:cloudwatch.0")
        began = time.monotonic()
        assert fluent_bit.terminate() == 0
    assert time.monotonic() - began < 4
