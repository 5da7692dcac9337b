"""Log lines as Docker's fluentd driver sends them: one message a line, EventTime, strings only."""

import socket
import time

from fluent.sender import EventTime, FluentSender
from patience import wait_for
from router import free_port, section

CONTAINER_ID = "43481a6ce4842eec8fe72fc28500c6b52edcc0917f105b83379f88cac1ff3946"


class Docker:
    """A log driver that writes to a router's forward input, over TCP or its Unix socket."""

    def __init__(self, directory):
        self.port = free_port()
        self.path = directory / "fluent.sock"

    def tcp(self):
        """The forward input that FireLens makes for the network."""
        return section("INPUT", Name="forward", Listen="127.0.0.1", Port=self.port)

    def unix(self):
        """The forward input that FireLens makes for its socket."""
        return section("INPUT", Name="forward", unix_path=self.path)

    def container(self, tag, by="tcp"):
        """A container's log, once the router listens."""
        wait_for(lambda: self.listens(by), f"a router that listens on {by}")
        host = "127.0.0.1" if by == "tcp" else f"unix://{self.path}"
        return Container(tag, FluentSender(tag, host=host, port=self.port, nanosecond_precision=True))

    def listens(self, by):
        family = socket.AF_INET if by == "tcp" else socket.AF_UNIX
        address = ("127.0.0.1", self.port) if by == "tcp" else str(self.path)
        with socket.socket(family) as probe:
            return probe.connect_ex(address) == 0


class Container:
    def __init__(self, tag, sender):
        self.tag = tag
        self.sender = sender
        self.last = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sender.close()

    def log(self, line, at=None, **more):
        """Sends a line; `at` is its time in milliseconds since the epoch, else it is later than the
        last one's."""
        self.last = millis = max(round(time.time() * 1000), self.last + 1) if at is None else at
        stamp = EventTime(millis // 1000, millis % 1000 * 1_000_000)
        record = {
            "log": line, "source": "stdout", "container_id": CONTAINER_ID,
            "container_name": "/ecs-shop-7-web-c8d0", **more,
        }
        assert self.sender.emit_with_time(None, stamp, record), self.sender.last_error

    def log_all(self, lines):
        for line in lines:
            self.log(line)
