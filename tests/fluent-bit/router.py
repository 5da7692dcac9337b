"""A real Fluent Bit with all plugins loaded."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from forward_crash import is_forward_crash
from patience import wait_for

REGION = "eu-west-1"

FREES_A_PLUGIN_ONCE = (2, 1, 0)
"""Earlier hosts free the memory that they keep for a plugin such as ours at the exit of each
section of it (`flb_proxy_cb_exit`), and so end by a signal after all else is done when there are
several sections, whatever the plugin."""


class Router:
    """One Fluent Bit process; `config` is the text of its main file."""

    def __init__(self, binary, directory, config, *, name="fluent-bit.conf", arguments=(), load=True, env=None):
        self.config = directory / name
        self.config.write_text(config)
        self.log = directory / "output"
        self.command = [binary, *(load_arguments() if load else ()), *arguments, "-c", self.config]
        self.env = os.environ | (env or {})
        self.process = None

    def start(self):
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, cwd=self.config.parent, env=self.env
            )
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *_):
        """Stops it; a clean run ends by SIGTERM with status 0."""
        if failure is not None:
            self.kill()
            print(self.lines())
        elif self.process.poll() is None:
            status = self.terminate()
            assert status == 0 or is_forward_crash(status, self.lines()), self.lines()

    def terminate(self, patience=30):
        self.process.terminate()
        return self.process.wait(patience)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def lines(self):
        """What it wrote, without the colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))

    def wait_for_line(self, part, count=1, patience=20):
        def seen():
            assert self.process.poll() is None, f"ended: {self.lines()}"
            return self.lines().count(part) >= count

        wait_for(seen, lambda: f"`{part}` in: {self.lines()}", patience)


def load_arguments():
    plugins = Path(os.environ["PLUGIN_DIR"])
    names = ["cloudwatch.so", "firehose.so", "kinesis.so"]
    return [part for name in names for part in ("-e", plugins / name)]


def section(kind, *options, **more):
    """A section of a classic configuration; options as pairs where a key repeats."""
    pairs = [*options, *more.items()]
    return f"[{kind}]\n" + "".join(f"    {key} {value}\n" for key, value in pairs) + "\n"


def service(**options):
    return section("SERVICE", **{"Flush": 0.2, "Grace": 5, "Log_Level": "info"} | options)


def cloudwatch(aws, **options):
    """A `cloudwatch` output that creates what it needs."""
    defaults = {
        "Name": "cloudwatch", "Match": "*", "region": REGION, "endpoint": aws.url,
        "log_group_name": "/shop", "log_stream_name": "$(tag)", "auto_create_group": "true",
    }
    return section("OUTPUT", **defaults | options)


def firehose(aws, **options):
    defaults = {
        "Name": "firehose", "Match": "*", "region": REGION, "endpoint": aws.url,
        "delivery_stream": "shop",
    }
    return section("OUTPUT", **defaults | options)


def kinesis(aws, **options):
    defaults = {
        "Name": "kinesis", "Match": "*", "region": REGION, "endpoint": aws.url,
        "stream": "shop",
    }
    return section("OUTPUT", **defaults | options)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def elapsed(action):
    """Seconds that an action takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
