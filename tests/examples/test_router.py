"""Each example in a real Fluent Bit, with what it is for in front and the stand-in behind."""

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from conftest import example
from docker import CONTAINER_ID as DRIVERS_CONTAINER_ID
from patience import wait_for
from router import FREES_A_PLUGIN_ONCE, Router, free_port

TASK_ID = "0f9de17a6465404e8b1b2356dc13c2f8"
TASK_ARN = f"arn:aws:ecs:us-east-1:123456789012:task/prod/{TASK_ID}"


@pytest.fixture(scope="session")
def keeps_offsets():
    """Whether the host was built with a database for the offsets of files, the option `DB`."""
    told = subprocess.run([os.environ["FLUENT_BIT"], "-h"], capture_output=True, text=True).stdout
    return "FLB_HAVE_SQLDB" in told


@pytest.fixture
def needs():
    """Skips a case for which this Fluent Bit was built without a plugin."""
    told = subprocess.run([os.environ["FLUENT_BIT"], "-h"], capture_output=True, text=True).stdout

    def needs(name):
        if not re.search(rf"(?m)^\s+{name}\b", told):
            pytest.skip(f"this Fluent Bit has no plugin `{name}`")

    return needs


@pytest.fixture
def run(directory, toward_the_stand_in, keeps_offsets):
    """Runs a configuration of the examples, with other paths and ports."""

    def run(config, *replaced, **env):
        if not keeps_offsets:
            config = re.sub(r"(?m)^ +DB .*\n", "", config)
            replaced = [pair for pair in replaced if pair[0] != "/var/lib/router"]
        for old, new in replaced:
            assert old in config, old
            config = config.replace(old, str(new))
        return Host(os.environ["FLUENT_BIT"], directory, config, env=toward_the_stand_in | env)

    return run


class Host(Router):
    """Ends an early host by force, as it would not end cleanly with several sections of a plugin."""

    def __exit__(self, failure, *rest):
        told = subprocess.run([self.command[0], "--version"], capture_output=True, text=True).stdout
        version = tuple(map(int, re.search(r"v(\d+)\.(\d+)\.(\d+)", told).groups()))
        if failure is None and version < FREES_A_PLUGIN_ONCE:
            self.kill()
        super().__exit__(failure, *rest)


def firelens(system, docker, directory):
    """What ECS makes of the example's task definition."""
    tool = Path(os.environ["TOOL_DIR"]) / "firelens"
    task = example(f"{system}/task.json")
    made = subprocess.run(
        [tool, task, docker.path, str(docker.port), str(free_port())], capture_output=True, text=True, check=True
    )
    return made.stdout


def test_firelens(aws, docker, directory, run, toward_the_stand_in):
    config = firelens("firelens", docker, directory)
    included = ("/fluent-bit/etc/external.conf", example("firelens/router.conf"))
    secret = {"role_arn_1": "arn:aws:iam::123456789012:role/logs"}
    with run(config, included, **secret), docker.container(f"web-firelens-{TASK_ID}", "unix") as web, \
            docker.container(f"worker-firelens-{TASK_ID}", "unix") as worker:
        web.log_all(["GET /healthz", "GET /cart"])
        worker.log_all(["INFO no", "WARN yes"])
        aws.wait_for_events(1)
        aws.wait_for_records(1)
    assert aws.messages("/shop/prod", f"web/{TASK_ID}") == ["GET /cart"]
    (record,) = map(json.loads, aws.records("shop-worker"))
    assert record["log"] == "WARN yes"
    assert record["ecs_task_arn"] == TASK_ARN
    assert aws.calls("AssumeRole")


def test_awslogs(aws, docker, directory, run):
    config = firelens("awslogs", docker, directory)
    included = ("/fluent-bit/configs/", f"{example('.').parent}/fluent-bit/configs/")
    long = "2026-11-21 10:00:02 " + "x" * 40_000
    pieces = [long[at : at + 16_384] for at in range(0, len(long), 16_384)]
    with run(config, included), docker.container(f"web-firelens-{TASK_ID}", "unix") as web:
        web.log_all(["2026-11-21 10:00:00 first", " at a", " at b", "2026-11-21 10:00:01 second"])
        for ordinal, piece in enumerate(pieces, 1):
            last = "true" if ordinal == len(pieces) else "false"
            web.log(piece, partial_message="true", partial_id="1f", partial_ordinal=str(ordinal), partial_last=last)
        wait_for(lambda: aws.event_count() >= 3, "three events")
    stream = f"web/web/{TASK_ID}"
    assert aws.messages("/shop/web", stream) == [
        "2026-11-21 10:00:00 first\n at a\n at b", "2026-11-21 10:00:01 second", long,
    ]


def logger(*arguments, lines):
    for line in lines:
        subprocess.run(["logger", "-n", "127.0.0.1", *map(str, arguments), "--", line], check=True)


@pytest.mark.skipif(not shutil.which("logger"), reason="there is no logger of util-linux")
def test_rsyslog(aws, directory, run):
    udp, tcp = free_port(), free_port()
    (directory / "mnt" / "ecs").mkdir(parents=True)
    (directory / "mnt" / "messages").write_text("kernel: one\n")
    (directory / "mnt" / "ecs" / "ecs-agent.log").write_text("level=info two\n")
    config = example("rsyslog/router.conf").read_text().replace("Port   514", f"Port   {udp}", 1)
    access = ['10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 45'] * 2
    replaced = [
        ("Port   514", f"Port   {tcp}"),
        ("/mnt/ecs_instance_logs", directory / "mnt"),
        ("/var/lib/router", directory),
        ("/fluent-bit/etc/syslog-parsers.conf", example("rsyslog/parsers.conf")),
    ]
    with run(config, *replaced) as fluent_bit:
        wait_for(lambda: listens(tcp), "the router on TCP")
        fluent_bit.wait_for_line("inotify_fs_add", 2)
        logger("-P", udp, "-d", "-t", "httpd", "-p", "local6.info", lines=access)
        logger("-P", udp, "-d", "-t", "httpd", "-p", "local7.info", lines=["[error] no such file"])
        logger("-P", udp, "-d", "--rfc3164", "-t", "cron", "-p", "cron.info", lines=["an old form"])
        logger("-P", tcp, "-T", "-t", "kernel", "-p", "daemon.warning", lines=["by TCP"])
        aws.wait_for_events(7)
    host = socket.gethostname()
    assert aws.messages("ecs", f"{host}/httpd-access") == access
    assert aws.messages("ecs", f"{host}/httpd-error") == ["[error] no such file"]
    assert sorted(aws.messages("ecs", f"{host}/syslog")) == ["an old form", "by TCP"]
    assert aws.messages("ecs", f"instance{directory}/mnt/messages") == ["kernel: one"]
    assert aws.messages("ecs", f"instance{directory}/mnt/ecs/ecs-agent.log") == ["level=info two"]
    assert aws.event_count() == 7


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Agent(BaseHTTPRequestHandler):
    """The ECS agent's introspection, of one task with one container."""

    def do_GET(self):
        answer = {"Cluster": "prod", "ContainerInstanceArn": "arn:aws:ecs:us-east-1:123456789012:container-instance/prod/9d3b0b1f6f4e4a7d8e1c2b3a4d5e6f70",
                  "Version": "Amazon ECS Agent - v1.100.0"}
        if self.path.startswith("/v1/tasks?dockerid=abcdef012345"):
            container = {"DockerId": CONTAINER_ID, "DockerName": "ecs-web-3-by-file-1", "Name": "by-file"}
            answer = {"Arn": TASK_ARN, "Family": "web", "Version": "3", "Containers": [container]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Logstash(socketserver.StreamRequestHandler):
    """Takes GELF over TCP: JSON separated by zero bytes."""

    def handle(self):
        while data := self.connection.recv(65536):
            self.server.taken += data

    @classmethod
    def messages(cls, server):
        return [json.loads(text) for text in bytes(server.taken).split(b"\0") if text]


CONTAINER_ID = "abcdef012345" + "6789" * 13


@pytest.fixture
def serve():
    servers = []

    def serve(server):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_logspout(aws, docker, directory, run, serve, needs):
    needs("gelf")
    agent = serve(HTTPServer(("127.0.0.1", 0), Agent))
    logstash = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Logstash)
    logstash.daemon_threads, logstash.taken = True, bytearray()
    serve(logstash)
    files = directory / "containers" / CONTAINER_ID
    files.mkdir(parents=True)
    now = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime())
    line = json.dumps({"log": "from a file\n", "stream": "stdout", "time": now})
    (files / f"{CONTAINER_ID}-json.log").write_text(line + "\n")
    labels = {
        "com.amazonaws.ecs.task-arn": TASK_ARN,
        "com.amazonaws.ecs.task-definition-family": "web",
        "com.amazonaws.ecs.container-name": "by-driver",
    }
    replaced = [
        ("24224", docker.port),
        ("/var/lib/docker/containers", directory / "containers"),
        ("/var/lib/router", directory),
        ("    ECS_Tag_Prefix file.", f"    ECS_Tag_Prefix file.\n    ECS_Meta_Port  {agent.server_port}"),
        ("logstash.core", "127.0.0.1"),
        ("12201", logstash.server_address[1]),
    ]
    with run(example("logspout/router.conf").read_text(), *replaced), docker.container("43481a6ce484") as container:
        container.log("from the driver", **labels)
        container.log("from no task")
        aws.wait_for_events(3)
        wait_for(lambda: len(Logstash.messages(logstash)) >= 2, "two messages in Logstash")
    assert aws.messages("/ecs/web", f"by-driver/{TASK_ID}") == ["from the driver"]
    assert [text.rstrip() for text in aws.messages("/ecs/web", f"by-file/{TASK_ID}")] == ["from a file"]
    assert aws.messages("/ecs/others", DRIVERS_CONTAINER_ID) == ["from no task"]
    gelf = {message["host"]: message for message in Logstash.messages(logstash)}
    assert set(gelf) == {"by-driver", "by-file"}
    assert gelf["by-driver"]["short_message"] == "from the driver"
    assert gelf["by-driver"]["version"] == "1.1"


def test_instance(aws, directory, run, needs):
    needs("systemd")
    logs = directory / "log"
    (logs / "ecs").mkdir(parents=True)
    (logs / "journal").mkdir()
    (logs / "messages").write_text("kernel: one\n")
    (logs / "ecs" / "ecs-agent.log").write_text("level=error two\n")
    (logs / "ecs" / "ecs-agent.log.2026-11-21-10").write_text("rotated\n")
    config = example("instance/router.conf").read_text()
    with run(config, ("/var/log", logs), ("/var/lib/router", directory)):
        aws.wait_for_events(2)
    assert aws.messages("/ecs/instances", f"ip-10-0-0-1{logs}/messages") == ["kernel: one"]
    assert aws.messages("/ecs/instances", f"ip-10-0-0-1{logs}/ecs/ecs-agent.log") == ["level=error two"]
    assert aws.event_count() == 2
