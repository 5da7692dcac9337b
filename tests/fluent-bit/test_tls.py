"""Two TLS libraries in one process: the host's, in its own AWS outputs, and ours."""

import os

import pytest
from router import REGION, cloudwatch, firehose, section, service
from stand_in import StandIn

LINES = int(os.environ.get("TLS_LINES", "5000"))
"""To each output; a million take some minutes."""


@pytest.fixture
def certificate(directory):
    return directory / "certificate.pem"


@pytest.fixture
def secure(certificate):
    with StandIn("--counting", "--auto-create", "--delivery-stream", "shop", certificate=certificate) as stand_in:
        yield stand_in


def test_the_hosts_tls_and_ours_work_side_by_side(secure, certificate, router, version):
    """Each on threads of its own, at the same time, with connections made anew again and again."""
    if version < (4, 0, 0):
        pytest.skip("not all AWS outputs of these hosts can be led to another port than 443")
    place, port = secure.url.removeprefix("https://").split(":")
    native = {
        "Match": "*", "region": REGION, "endpoint": place, "port": port, "tls.ca_file": certificate,
        "Workers": 2, "net.keepalive_max_recycle": 3, "Retry_Limit": 5,
    }
    logs = {"log_group_name": "/native", "log_stream_name": "app", "auto_create_group": "true"}
    config = (
        service(Flush=0.1, Grace=20)
        + section("INPUT", Name="dummy", Tag="app", Dummy='{"log": "line"}', Rate=LINES // 5, Samples=LINES)
        + cloudwatch(secure) + firehose(secure)
        + section("OUTPUT", Name="cloudwatch_logs", **native, **logs)
        + section("OUTPUT", Name="kinesis_firehose", **native, delivery_stream="shop")
    )
    env = {"AWS_CA_BUNDLE": str(certificate)}
    with router(config, env=env):
        secure.wait_for_events(2 * LINES, patience=20 + LINES / 500)
        secure.wait_for_records(2 * LINES, patience=20)
    summary = secure.summary()
    assert {group: streams["app"]["count"] for group, streams in summary["events"].items()} == {
        "/shop": LINES, "/native": LINES
    }
    assert summary["records_total"]["count"] == 2 * LINES
