"""What a user sees at the start: problems, warnings, log lines."""

import re

import pytest
from router import FREES_A_PLUGIN_ONCE, cloudwatch, firehose, section, service


def ended(fluent_bit):
    """The exit status of a Fluent Bit that gives up by itself, and what it wrote."""
    fluent_bit.start()
    try:
        return fluent_bit.process.wait(20), fluent_bit.lines()
    finally:
        fluent_bit.kill()


def test_a_bad_section_ends_the_start_with_every_problem(aws, docker, router):
    options = {"log_retention_days": 15, "auto_create_group": "maybe", "max_event_bytes": 7, "log_stream_prefix": "x"}
    status, lines = ended(router(service() + docker.tcp() + cloudwatch(aws, **options)))
    assert status > 0
    for part in [
        "`log_retention_days` is `15`: it must be 0 (never expire) or one of 1, 3, 5,",
        "`auto_create_group` is `maybe`: it must be true, on, yes, 1, false, off, no or 0",
        "`max_event_bytes` is `7`: it must be a whole number from 1024 to 1048576",
        "log_stream_prefix",
    ]:
        assert part in lines, lines


def test_a_bad_section_after_good_ones_ends_the_start_as_cleanly(aws, docker, router, version):
    config = service() + docker.tcp() + cloudwatch(aws) + firehose(aws) + cloudwatch(aws)
    status, lines = ended(router(config + firehose(aws, delivery_stream="no such/name")))
    assert status > 0 or (status < 0 and version < FREES_A_PLUGIN_ONCE)
    assert "`delivery_stream` is `no such/name`" in lines


def test_keys_that_mean_nothing_here_are_told_and_tolerated(aws, docker, router):
    config = service() + docker.tcp()
    config += cloudwatch(aws, log_key="log", mode="non-blocking", something_else="x", log_retention_day=7)
    with router(config) as fluent_bit, docker.container("web") as web:
        web.log("one")
        aws.wait_for_events(1)
    lines = fluent_bit.lines()
    assert "`mode` has no effect here" in lines
    assert "is `log_retention_days` meant?" in lines
    assert len(re.findall(r"has no effect", lines)) == 2


HOST_LINE = r"^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d[^\]]*\] \[ *info\] \[output:cloudwatch:cloudwatch\.0\] created log group"


def test_lines_have_the_hosts_format(aws, docker, router, version):
    if version < (2, 0, 0):
        pytest.skip("plugins have had a log function since Fluent Bit 2.0")
    with router(service() + docker.tcp() + cloudwatch(aws)) as fluent_bit, docker.container("web") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert re.search(HOST_LINE, fluent_bit.lines(), re.MULTILINE), fluent_bit.lines()


def test_lines_go_to_the_hosts_log_file(aws, directory, docker, router, version):
    if version < (2, 0, 0):
        pytest.skip("plugins have had a log function since Fluent Bit 2.0")
    file = directory / "log"
    config = service(Log_File=file) + docker.tcp() + cloudwatch(aws)
    with router(config) as fluent_bit, docker.container("web") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert re.search(HOST_LINE, file.read_text(), re.MULTILINE), file.read_text()
    assert "created log group" not in fluent_bit.lines()


def test_lines_keep_to_the_log_level(aws, docker, router, version):
    if version < (2, 0, 0):
        pytest.skip("plugins have had a log function since Fluent Bit 2.0")
    config = service(Log_Level="error") + docker.tcp()
    config += cloudwatch(aws, Match="quiet", something="x", mode="non-blocking")
    config += cloudwatch(aws, Match="chatty", log_group_name="/chatty", log_level="debug")
    with router(config) as fluent_bit:
        for tag in ["quiet", "chatty"]:
            with docker.container(tag) as container:
                container.log("one")
        aws.wait_for_events(2)
    lines = fluent_bit.lines()
    assert "cloudwatch.0]" not in lines
    assert "created log group `/chatty`" in lines
    assert "1 events accepted" in lines


def test_an_alias_names_the_lines(aws, docker, router, version):
    config = service() + docker.tcp() + cloudwatch(aws, Alias="shop-logs")
    with router(config) as fluent_bit, docker.container("web") as web:
        web.log("one")
        aws.wait_for_events(1)
    assert "[output:cloudwatch:shop-logs] created log group" in fluent_bit.lines()


def test_nothing_is_asked_of_the_network_before_there_is_a_record(aws, docker, router):
    with router(service() + docker.tcp() + cloudwatch(aws) + firehose(aws)) as fluent_bit:
        with docker.container("unmatched"):
            fluent_bit.wait_for_line("listening on")
    assert aws.summary()["calls"] == {}


def test_a_dry_run_does_not_start_anything(aws, docker, router):
    config = service() + docker.tcp() + section("OUTPUT", Name="null", Match="*") + cloudwatch(aws)
    status, lines = ended(router(config, arguments=["--dry-run"]))
    assert status == 0, lines
    assert "configuration test is successful" in lines
