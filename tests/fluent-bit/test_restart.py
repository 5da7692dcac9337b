"""Chunks that Fluent Bit keeps in its `storage.path` while it is killed and started again."""

import pytest
from patience import wait_for
from router import cloudwatch, firehose, kinesis, section, service
from stand_in import hang

LINES = [f"line {n:05} " + "z" * 90 for n in range(3_000)]

OUTPUTS = {
    "cloudwatch": (
        "PutLogEvents",
        lambda aws, **options: cloudwatch(aws, log_stream_name="$(source)", **options),
        lambda aws: aws.messages("/shop", "stdout") + aws.messages("/shop", "stderr"),
        lambda aws: aws.event_count(),
    ),
    "firehose": (
        "PutRecordBatch",
        firehose,
        lambda aws: [record.decode().rstrip("\n") for record in aws.records("shop")],
        lambda aws: aws.record_count(),
    ),
    "kinesis": (
        "PutRecords",
        kinesis,
        lambda aws: [record["data"].decode() for record in aws.kinesis("shop")],
        lambda aws: aws.kinesis_count(),
    ),
    "kinesis, with the order of a key": (
        "PutRecords",
        lambda aws, **options: kinesis(aws, partition_key="container_name", **options),
        lambda aws: [record["data"].decode() for record in aws.kinesis("shop")],
        lambda aws: aws.kinesis_count(),
    ),
}


def stored(directory):
    return [file for file in (directory / "storage").rglob("*.flb") if file.stat().st_size > 0]


@pytest.mark.parametrize("plugin", OUTPUTS)
def test_a_kill_in_the_middle_of_a_chunk_loses_and_doubles_nothing(aws, directory, docker, router, plugin):
    operation, output, delivered, count = OUTPUTS[plugin]
    config = service(Flush=5, Log_Level="debug", **{"storage.path": directory / "storage"})
    config += section(
        "INPUT", ("Name", "forward"), ("Listen", "127.0.0.1"), ("Port", docker.port),
        ("storage.type", "filesystem"),
    )
    config += output(aws, log_key="log", resume_path=directory / "resume", flush_timeout="60s")
    aws.script(hang(operation=operation, contains=LINES[-1]))

    def all_but_the_hanging_request_are_accepted():
        hanging = [call["items"] for call in aws.calls(operation) if call["seconds"] is None]
        return len(hanging) == 1 and count(aws) + hanging[0] == len(LINES)

    with router(config) as fluent_bit:
        with docker.container("web") as web:
            web.log_all(LINES[:-1])
            web.log(LINES[-1], source="stderr")
        wait_for(all_but_the_hanging_request_are_accepted, "requests of a part of a chunk", 60)
        fluent_bit.kill()
    ended = lambda: all(call["seconds"] is not None for call in aws.calls(operation))
    wait_for(ended, "the end of the request that hangs")
    assert stored(directory) and any((directory / "resume").iterdir())
    aws.heal()
    with router(config) as fluent_bit:
        wait_for(lambda: count(aws) >= len(LINES), lambda: f"the rest: {count(aws)}", 60)
        wait_for(lambda: not stored(directory), "storage that is empty", 60)
    assert sorted(delivered(aws)) == LINES
    assert not any((directory / "resume").iterdir())
