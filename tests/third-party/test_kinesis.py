"""Records put through kinesis.so are in moto's streams, and aggregates are read by AWS's own library."""

import base64
import gzip
import json
import time
import zlib
from random import Random

import pytest
from aws_kinesis_agg.deaggregator import deaggregate_records

from chunk import chunk


def records(lines, **more):
    return chunk([(time.time(), {"log": line, **more}) for line in lines])


def user_records(stored):
    """The user records of Kinesis records, as AWS's library for consumers in Python reads them. It takes
    base64, as a Lambda function is given it, and gives it back."""
    event = {"kinesisSchemaVersion": "1.0", "sequenceNumber": "1", "approximateArrivalTimestamp": 1.0}
    form = [
        {"kinesis": event | {"data": base64.b64encode(data).decode(), "partitionKey": key}} for key, data in stored
    ]
    found = [record["kinesis"] for record in deaggregate_records(form)]
    return [(record["partitionKey"], base64.b64decode(record["data"])) for record in found]


def test_records_are_in_the_stream_byte_for_byte(aws, flush):
    stream = aws.kinesis_stream("clicks")
    lines = [f"line {n} <&> é 🚀" for n in range(1_200)]
    # One request at a time: moto numbers records without a lock, and loses one of two with one number.
    for first in range(0, len(lines), 400):
        assert flush("kinesis", {"stream": stream}, records(lines[first:first + 400])).verdict == "ok"
    (shard,) = aws.kinesis_records(stream)
    expected = [json.dumps({"log": line}, ensure_ascii=False, separators=(",", ":")).encode() for line in lines]
    assert sorted(data for _, data in shard) == sorted(expected)
    keys = {key for key, _ in shard}
    assert len(keys) == len(lines), "each record has a random key of its own"


def test_the_records_of_a_key_are_in_one_shard_in_their_order(aws, flush):
    stream = aws.kinesis_stream("ordered", shards=4)
    texts = [(f"pod-{n % 9}", f"{n:05}") for n in range(2_000)]
    data = chunk([(time.time(), {"k": {"pod": pod}, "log": text}) for pod, text in texts])
    options = {"stream": stream, "partition_key": "k->pod", "log_key": "log"}
    assert flush("kinesis", options, data).verdict == "ok"
    shards = aws.kinesis_records(stream)
    assert sum(map(len, shards)) == len(texts) and sum(map(bool, shards)) > 1
    for pod in {pod for pod, _ in texts}:
        (holding,) = [shard for shard in shards if any(key == pod for key, _ in shard)]
        found = [data.decode() for key, data in holding if key == pod]
        assert found == [text for owner, text in texts if owner == pod]


@pytest.mark.parametrize("compression", ["none", "zlib", "gzip"])
@pytest.mark.parametrize("partition_key", [None, "pod"])
def test_aggregates_are_read_by_the_library_of_aws(aws, flush, compression, partition_key):
    random = Random(7)
    stream = aws.kinesis_stream(f"aggregated-{compression}-{partition_key}", shards=3)
    texts = [(f"pod-{n % 5}", f"{n:05} é " + random.randbytes(n % 3_000).hex()) for n in range(1_000)]
    data = chunk([(time.time(), {"pod": pod, "log": text}) for pod, text in texts])
    options = {"stream": stream, "aggregation": "true", "log_key": "log", "compression": compression}
    options |= {"partition_key": partition_key} if partition_key else {}
    assert flush("kinesis", options, data).verdict == "ok"
    stored = [record for shard in aws.kinesis_records(stream) for record in shard]
    assert 3 <= len(stored) <= 20
    plain = {"none": bytes, "zlib": zlib.decompress, "gzip": gzip.decompress}[compression]
    found = [(key, plain(data).decode()) for key, data in user_records(stored)]
    assert sorted(text for _, text in found) == sorted(text for _, text in texts)
    if partition_key:
        for pod in {pod for pod, _ in texts}:
            assert [text for key, text in found if key == pod] == [text for owner, text in texts if owner == pod]
    else:
        keys = {key for key, _ in stored}
        assert len(keys) == len(stored)


def test_a_record_of_a_mebibyte_is_whole_and_a_larger_one_in_parts(aws, flush):
    stream = aws.kinesis_stream("large")
    lines = ["x" * (1024 * 1024 - 8), "y" * (1024 * 1024 + 1)]
    assert flush("kinesis", {"stream": stream, "log_key": "log"}, records(lines)).verdict == "ok"
    (shard,) = aws.kinesis_records(stream)
    found = sorted((data.decode() for _, data in shard), key=lambda text: (text[0], -len(text)))
    assert found[0] == lines[0]
    parts = [text.removesuffix(f"[Part {n}/2]") for n, text in enumerate(found[1:], 1)]
    assert "".join(parts) == lines[1]


def test_a_missing_stream_is_a_retry_that_names_it(aws, flush):
    flushed = flush("kinesis", {"stream": "nowhere"}, records(["x"]))
    assert flushed.verdict == "retry"
    assert "nowhere" in flushed.line("ResourceNotFoundException")
