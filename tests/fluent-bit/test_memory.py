"""What the plugins add to a host's memory; `make memory` prints the figures.

They are compared with a host that has the same input and Fluent Bit's own `null` output, so that
what the host itself needs for its chunks is in both.
"""

import time

import pytest
from patience import wait_for
from router import cloudwatch, firehose, section, service
from stand_in import StandIn

SECONDS = 5
"""Of load, or of rest."""


@pytest.fixture
def counting():
    with StandIn("--counting", "--auto-create", "--delivery-stream", "shop") as stand_in:
        yield stand_in


def dummy(rate, **options):
    """An input of so many pieces a second, each of a line of 1,000 bytes."""
    record = '{"log": "%s"}' % ("x" * 1000)
    return section("INPUT", Name="dummy", Tag="app", Dummy=record, Rate=rate, **options)


def resident(router, config, field, begun=lambda: True, load=True):
    """MiB of a host after a while: `VmRSS` is what it has then, `VmHWM` the most it had."""
    with router(service(Grace=1, Flush=1) + config, load=load) as host:
        wait_for(begun, "a delivery")
        time.sleep(SECONDS)
        with open(f"/proc/{host.process.pid}/status") as status:
            line = next(line for line in status if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def without(router, config, field):
    """The same of a host that has not even loaded the plugins."""
    return resident(router, config + section("OUTPUT", Name="null", Match="*"), field, load=False)


def both(aws, **options):
    return cloudwatch(aws, **options) + firehose(aws, **options)


def test_plugins_at_rest_add_little(counting, router):
    """Both have delivered, so that their threads and connections are there."""
    once = section("INPUT", Name="dummy", Tag="app", Samples=1)
    bare = without(router, once, "VmRSS")
    delivered = lambda: counting.event_count() and counting.record_count()
    ours = resident(router, once + both(counting), "VmRSS", delivered)
    print(f"memory: at rest {ours:.1f} MiB, without an AWS output {bare:.1f} MiB: {ours - bare:.1f} MiB more")
    assert ours - bare < 25


@pytest.mark.parametrize("output", [cloudwatch, firehose])
def test_five_megabytes_a_second_add_some(counting, router, output, version):
    # Fluent Bit 1.9 has no `Copies`.
    load = dummy(10, Copies=500) if version >= (2, 1, 0) else dummy(5000)
    bare = without(router, load, "VmHWM")
    ours = resident(router, load + output(counting), "VmHWM")
    arrived = counting.event_count() + counting.record_count()
    print(f"memory: at 5 MB/s {ours:.1f} MiB at most, without an AWS output {bare:.1f} MiB: {ours - bare:.1f} MiB more")
    assert ours - bare < 60
    assert arrived > 0.8 * SECONDS * 5000
