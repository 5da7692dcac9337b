"""The image's entry point: which Fluent Bit a container's command becomes."""

import json
import re

import pytest
from router import cloudwatch, kinesis, section

DOCUMENTED = [
    "-e", "/fluent-bit/firehose.so", "-e", "/fluent-bit/cloudwatch.so", "-e", "/fluent-bit/kinesis.so",
    "-c", "/fluent-bit/etc/fluent-bit.conf",
]
"""The arguments of the command that AWS documents for its image."""


def documented(image):
    return [image.root / "fluent-bit/bin/fluent-bit", *(image.led_here(f" {part}").strip() for part in DOCUMENTED)]


def mount(image, *sections):
    """What FireLens mounts over the image's own configuration."""
    image.write("fluent-bit/etc/fluent-bit.conf", "".join(sections))


def settings(fluent_bit):
    """The flush interval and grace, as Fluent Bit tells them with `-vv`."""
    lines = fluent_bit.lines()
    flush = re.search(r"flush time +\| ([\d.]+) seconds", lines)
    grace = re.search(r"grace +\| (\d+) seconds", lines)
    return float(flush[1]), int(grace[1])


@pytest.mark.parametrize(
    ("service", "expected"),
    [("", (1, 30)), (section("SERVICE", Grace=7), (1, 7)), (section("SERVICE", Flush=0.5, Grace=9), (0.5, 9))],
    ids=["none", "grace", "both"],
)
@pytest.mark.parametrize("by", ["bare", "command"])
def test_a_tasks_own_service_wins_over_the_defaults(aws, docker, image, by, service, expected):
    image.write("user.conf", service)
    mount(image, docker.tcp(), f"@INCLUDE {image.root}/user.conf\n\n", cloudwatch(aws, log_key="log"))
    command = ["-vv"] if by == "bare" else [*documented(image), "-vv"]
    with image.start(*command) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
        assert settings(fluent_bit) == expected


def test_paths_in_the_mounted_file_start_from_its_own_folder(aws, docker, image):
    image.write("fluent-bit/etc/more/user.conf", section("FILTER", Name="modify", Match="*", Add="by user"))
    mount(image, docker.tcp(), "@INCLUDE more/user.conf\n\n", cloudwatch(aws, log_key="by"))
    with image.start(), docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert aws.messages("/shop", "web-firelens-1") == ["user"]


def test_the_command_that_aws_documents_starts(aws, docker, image):
    mount(image, docker.tcp(), cloudwatch(aws, log_key="log"))
    with image.start(*documented(image)) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert re.search(r"^log router \d+\.\d+\.\d+, Fluent Bit v\d", fluent_bit.lines(), re.MULTILINE)


def test_another_configuration_is_taken_as_it_is(aws, docker, image):
    own = image.write("own.conf", docker.tcp() + cloudwatch(aws, log_key="log"))
    with image.start("-vv", "-c", own) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert settings(fluent_bit) == (1, 5)


def test_the_command_that_aws_documents_delivers_to_a_kinesis_stream(aws, docker, image):
    mount(image, docker.tcp(), kinesis(aws, log_key="log", partition_key="container_name"))
    with image.start(*documented(image)), docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_kinesis(1)
    (record,) = aws.kinesis("shop")
    assert (record["partition_key"], record["data"]) == ("/ecs-shop-7-web-c8d0", b"one")


def test_started_bare_it_says_what_to_configure_and_sends_nothing(aws, image):
    with image.start() as fluent_bit:
        fluent_bit.wait_for_line("This router has no configuration.")
    assert aws.summary()["calls"] == {}


def test_another_program_is_started_as_it_is(image):
    status, lines = image.start("/bin/sh", "-c", "echo $0 $PPID; exit 7").ended()
    assert (status, lines.split()[0], len(lines.splitlines())) == (7, "/bin/sh", 1)


def test_a_program_that_is_not_there_is_named(image):
    status, lines = image.start("/no/such/program").ended()
    assert status > 0 and "/no/such/program cannot be started" in lines


def test_init_includes_files_in_their_order_and_loads_parsers(aws, docker, image):
    mount(image, docker.tcp(), cloudwatch(aws))
    parser = section("PARSER", Name="pair", Format="regex", Regex="^(?<left>[^=]*)=(?<right>.*)$")
    files = {
        2: image.write("b.conf", section("FILTER", Name="parser", Match="*", Key_Name="log", Parser="pair")),
        10: image.write("c.conf", section("FILTER", Name="modify", Match="*", Rename="right by")),
        1: image.write("a.conf", parser),
    }
    env = {f"aws_fluent_bit_init_file_{n}": str(file) for n, file in files.items()}
    with image.start("-vv", env=env) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one=two")
        aws.wait_for_events(1)
        assert settings(fluent_bit) == (1, 30)
    assert aws.messages("/shop", "web-firelens-1") == ['{"left":"one","by":"two"}']


def test_init_leaves_out_the_mounted_configuration_on_demand(aws, docker, image):
    mount(image, docker.tcp(), cloudwatch(aws, log_group_name="/mounted"))
    own = image.write("own.conf", docker.tcp() + cloudwatch(aws, log_key="log"))
    env = {"aws_fluent_bit_init_file_1": str(own), "aws_fluent_bit_init_ignore_firelens_config": "true"}
    with image.start(*documented(image), env=env), docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert aws.messages("/shop", "web-firelens-1") == ["one"]


def test_init_that_fails_starts_nothing_and_tells_every_reason(image):
    env = {"aws_fluent_bit_init_file_1": "/no/a.conf", "aws_fluent_bit_init_file_2": "/no/b.conf"}
    status, lines = image.start(env=env).ended()
    assert status > 0
    assert "/no/a.conf: No such file" in lines and "/no/b.conf: No such file" in lines
    assert "fluent bit is not started" in lines.lower() and "[engine]" not in lines


def test_init_takes_yaml_together_with_the_mounted_file(aws, docker, image):
    mount(image, docker.tcp(), section("FILTER", ("Record", "b 2"), Name="record_modifier", Match="*", Record="a 1"), cloudwatch(aws))
    by_yaml = image.write("more.yaml", "pipeline:\n  filters:\n    - name: modify\n      match: '*'\n      add: by yaml\n")
    parser = image.write("p.conf", section("PARSER", Name="pair", Format="regex", Regex="^(?<left>[^=]*)=(?<right>.*)$"))
    last = image.write("last.conf", section("FILTER", Name="parser", Match="*", Key_Name="log", Parser="pair", Reserve_Data="on"))
    files = {1: by_yaml, 2: parser, 3: last}
    env = {f"aws_fluent_bit_init_file_{n}": str(file) for n, file in files.items()}
    with image.start("-vv", env=env) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one=two")
        aws.wait_for_events(1)
        assert settings(fluent_bit) == (1, 30)
    (message,) = aws.messages("/shop", "web-firelens-1")
    found = {key: value for key, value in json.loads(message).items() if key in ("left", "right", "a", "b", "by")}
    assert found == {"left": "one", "right": "two", "a": "1", "b": "2", "by": "yaml"}


def test_init_loads_stream_tasks(aws, docker, image):
    mount(image, docker.tcp(), cloudwatch(aws, Match="of-a-task", log_key="log"))
    task = section("STREAM_TASK", Name="copy", Exec="CREATE STREAM copy WITH (tag='of-a-task') AS SELECT * FROM TAG:'web-*';")
    env = {"aws_fluent_bit_init_file_1": str(image.write("task.conf", task))}
    with image.start(env=env), docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert aws.messages("/shop", "of-a-task") == ["one"]


@pytest.mark.parametrize("service", ["", section("SERVICE", Log_Level="info")], ids=["alone", "with Log_Level"])
def test_flb_log_level_does_not_stop_the_start(aws, docker, image, service):
    mount(image, service, docker.tcp(), cloudwatch(aws, log_key="log"))
    with image.start(env={"FLB_LOG_LEVEL": "debug"}) as fluent_bit, docker.container("web-firelens-1") as web:
        web.log("one")
        aws.wait_for_events(1)
        assert ("FLB_LOG_LEVEL is left out" in fluent_bit.lines()) == bool(service)
