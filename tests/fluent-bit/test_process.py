"""The host's process: reloads under load, a daemon, a signal at the start."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from patience import wait_for
from router import FREES_A_PLUGIN_ONCE, cloudwatch, elapsed, firehose, free_port, section, service
from stand_in import hang


RELOADS = int(os.environ.get("RELOADS", "10"))


def test_hot_reloads_under_load_lose_and_leave_nothing(aws, directory, router, version):
    """With the defaults: flushes yield, so Fluent Bit starts no worker threads, which it would start
    twice for a plugin such as ours and free once."""
    if version < (2, 1, 0):
        pytest.skip("hot reload came with Fluent Bit 2.1")
    # Earlier hosts do not say so, start once more than they reload, and leave four pipes behind each
    # time, with `null` as their only output, too.
    says_so = version >= (4, 0, 0)
    reloaded = "successful reload done" if says_so else "stream processor started"
    file = directory / "app.log"
    tail = section(
        "INPUT", Name="tail", Path=file, Tag="app", DB=directory / "offsets", Read_from_Head="true",
        Refresh_Interval=1,
    )
    options = {"log_key": "log"}
    config = service(Grace=5) + tail + cloudwatch(aws, **options) + firehose(aws, **options)
    with Writer(file) as writer, router(config, arguments=["-Y"]) as fluent_bit:
        for count in range(1, RELOADS + 1):
            before = aws.event_count()
            wait_for(lambda: aws.event_count() > before, "events between reloads")
            fluent_bit.process.send_signal(signal.SIGHUP)
            fluent_bit.wait_for_line(reloaded, count=count + (not says_so))
            if count == 2:
                wait_for(lambda: aws.event_count() > before, "events after a reload")
                threads, files = held(fluent_bit.process.pid)
        writer.stop()
        aws.wait_for_events(writer.count)
        aws.wait_for_records(writer.count)
        later = held(fluent_bit.process.pid)
        print(f"threads and files after 2 reloads: {threads}, {files}; after {RELOADS}: {later[0]}, {later[1]}")
        # A connection to the service, and what the host is reading, may be there or not.
        assert later[0] <= threads + 2 and later[1] <= files + 8 + (0 if says_so else 4 * RELOADS)
    lines = {str(n) for n in range(writer.count)}
    assert set(aws.messages("/shop", "app")) == lines
    assert {record.decode().strip() for record in aws.records("shop")} == lines


def test_hot_reloads_in_the_middle_of_flushes_that_wait_leave_nothing(aws, router, version):
    """Fluent Bit waits for pending chunks when it reloads, without a limit: so they are given up here."""
    if version < (4, 0, 0):
        pytest.skip("earlier versions do not report a reload, and leave pipes of their own behind")
    aws.script(hang())
    options = {"flush_timeout": "1s", "Retry_Limit": "no_retries"}
    config = service() + waiting_inputs(10) + cloudwatch(aws, **options) + firehose(aws, **options)
    with router(config, arguments=["-Y"]) as fluent_bit:
        for count in range(1, 6):
            before = len(aws.calls("PutLogEvents"))
            wait_for(lambda: len(aws.calls("PutLogEvents")) > before, "requests that hang")
            fluent_bit.process.send_signal(signal.SIGHUP)
            fluent_bit.wait_for_line("successful reload done", count=count, patience=30)
            if count == 2:
                threads, files = held(fluent_bit.process.pid)
        later = held(fluent_bit.process.pid)
    print(f"threads and files after 2 reloads: {threads}, {files}; after 5: {later[0]}, {later[1]}")
    assert later[0] <= threads + 2 and later[1] <= files + 40


def test_a_hot_reload_with_a_wrong_option_ends_the_router_and_names_the_option(aws, directory, router, version):
    """Fluent Bit has given its old pipeline up by then, so that there is nothing to go on with: the
    plugin refuses to start as it would in a new process, and what is not delivered is in the files of
    the input, if these are kept."""
    if version < (2, 1, 0):
        pytest.skip("hot reload came with Fluent Bit 2.1")
    file = directory / "app.log"
    tail = section(
        "INPUT", Name="tail", Path=file, Tag="app", DB=directory / "offsets", Read_from_Head="true",
        Refresh_Interval=1,
    )
    good = service() + tail + cloudwatch(aws, log_key="log")
    file.write_text("before\n")
    fluent_bit = router(good, arguments=["-Y"]).start()
    try:
        aws.wait_for_events(1)
        fluent_bit.config.write_text(good.replace("log_key log", "log_key log\n    log_retention_days 6"))
        fluent_bit.process.send_signal(signal.SIGHUP)
        wait_for(lambda: fluent_bit.process.poll() is not None, "the end of the router")
    finally:
        fluent_bit.kill()
    assert "`log_retention_days` is `6`" in fluent_bit.lines()
    # A start with the option made right goes on where the other one was.
    with file.open("a") as more:
        more.write("after\n")
    with router(good, arguments=["-Y"]):
        aws.wait_for_events(2)
    assert aws.messages("/shop", "app") == ["before", "after"]


@pytest.mark.parametrize("service_is", ["dead", "silent"])
def test_sixty_pending_chunks_do_not_keep_it_beyond_its_grace(aws, router, version, service_is):
    """With the defaults, whose `flush_timeout` is longer than the grace."""
    endpoint = aws.url if service_is == "silent" else f"http://127.0.0.1:{free_port()}"
    aws.script(hang())
    config = service(Grace=5, Log_Level="debug") + waiting_inputs(60)
    config += cloudwatch(aws, endpoint=endpoint) + firehose(aws, endpoint=endpoint)
    with router(config) as fluent_bit:
        fluent_bit.wait_for_line("created task=", count=60)
        took = elapsed(fluent_bit.terminate)
    print(f"ended after {took:.1f} s")
    assert fluent_bit.process.returncode == 0 or version < FREES_A_PLUGIN_ONCE
    assert took < 5 + 2, f"{took:.1f} s\n{fluent_bit.lines()}"


def test_outputs_at_rest_have_no_threads(aws, docker, router):
    """The threads of a plugin are shared by all of its sections."""
    counts = []
    for outputs in [1, 6]:
        others = [cloudwatch(aws, Match=f"other-{n}") for n in range(outputs - 1)]
        with router(service() + docker.tcp() + cloudwatch(aws) + "".join(others)) as fluent_bit:
            with docker.container("web") as web:
                web.log("a line")
            aws.wait_for_events(len(counts) + 1)
            counts.append(held(fluent_bit.process.pid)[0])
            fluent_bit.kill()
    assert counts[0] == counts[1], counts


def waiting_inputs(count):
    """Inputs whose chunks have a tag each."""
    return "".join(section("INPUT", Name="dummy", Tag=f"web-{n}", Rate=5) for n in range(count))


def held(process):
    """How many threads and open files a process has."""
    return tuple(len(os.listdir(f"/proc/{process}/{what}")) for what in ["task", "fd"])


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
        fluent_bit.wait_for_line("stream processor started")
        began = time.monotonic()
        assert fluent_bit.terminate() == 0
    assert time.monotonic() - began < 4
