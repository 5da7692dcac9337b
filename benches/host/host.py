"""One run of a real Fluent Bit over a file, until the service has all of it."""

import json
import os
import random
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from outputs import RECORD, libraries, sections

SEED = 7
PATIENCE = 300
"""Seconds that a run may take."""


@dataclass
class Run:
    cpu: float
    """Seconds on a processor, of the user and of the system."""
    wall: float
    """Seconds from the start until the service had everything."""
    memory: float
    """The most that was resident, in MB."""
    requests: int


class Service:
    """The stand-in, over TLS, counting what it gets and keeping nothing."""

    def __init__(self, directory):
        self.certificate = directory / "service.pem"
        self.process = subprocess.Popen(
            [os.environ["STAND_IN"], "--until-input-ends", "--tls", "--cert-out", self.certificate,
             "--counting", "--auto-create", "--delivery-stream", "bench"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def ask(self, what, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_stand-in/{what}", data, context=trusting(self.certificate)) as answer:
            return json.load(answer)

    def begin(self, latency_ms):
        self.ask("forget", {})
        self.ask("script", {"clear": True, "latency_ms": latency_ms})

    def stored(self):
        summary = self.ask("summary")
        totals = [summary[name] for name in ("events_total", "records_total", "kinesis_total")]
        return sum(total["count"] for total in totals)

    def requests(self):
        calls = self.ask("summary")["calls"]
        return sum(calls.get(name, 0) for name in ("PutLogEvents", "PutRecordBatch", "PutRecords"))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def trusting(certificate):
    import ssl

    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


def lines(path, megabytes):
    """Writes lines like a web server's; how many."""
    chance = random.Random(SEED)
    count, left = 0, megabytes * 1_000_000
    with path.open("w") as file:
        while left > 0:
            line = (
                f'10.0.{chance.randrange(256)}.{chance.randrange(256)} - - [21/Nov/2026:10:{count % 60:02}:00 +0000] '
                f'"GET /orders/{count}?page={chance.randrange(99)}&q={"x" * chance.randrange(160)} HTTP/1.1" 200 '
                f'{chance.randrange(99999)} "https://shop.example/orders" "Mozilla/5.0 (X11; Linux x86_64)"\n'
            )
            left -= file.write(line)
            count += 1
    return count


def run(service, job, which, source, count, directory, *, latency_ms=0, extra=""):
    service.begin(latency_ms)
    config = directory / "bench.conf"
    config.write_text(
        f"[SERVICE]\n    Flush 1\n    Grace 60\n    Log_Level warn\n[INPUT]\n    Name tail\n    Path {source}\n"
        "    Read_From_Head on\n    Exit_On_Eof on\n    Key log\n    Tag web-firelens-0f9d\n    Mem_Buf_Limit 50MB\n"
        + RECORD + sections(job, which, service.port, service.certificate) + extra
    )
    loads = [argument for library in libraries(job, which) for argument in ("-e", library)]
    log = directory / "bench.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [os.environ["FLUENT_BIT"], *loads, "-c", config], stdout=output, stderr=output, env=environment(service)
        )
    wall = wait(service, process, count if which != "null" else 0, began)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    stored = service.stored()
    if process.returncode != 0 or (which != "null" and stored != count):
        raise SystemExit(f"{job}, {which}: status {process.returncode}, {stored} of {count} stored\n{log.read_text()}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1000, service.requests())


def wait(service, process, count, began):
    while count and time.monotonic() - began < PATIENCE and Path(f"/proc/{process.pid}/stat").exists():
        if service.stored() >= count:
            break
        with suppress(ChildProcessError):
            if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        time.sleep(0.02)
    return time.monotonic() - began


def environment(service):
    quiet = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_CA_BUNDLE": service.certificate, "SSL_CERT_FILE": service.certificate,
    }
    return {"PATH": os.environ["PATH"]} | quiet
