"""Records put through firehose.so are, byte for byte, in the objects that moto's delivery writes."""

import datetime
import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
import base64

from chunk import chunk


def test_records_are_in_the_object_byte_for_byte(aws, flush):
    stream = aws.delivery_stream("shop", prefix="logs")
    records = [{"log": f"line {n} <&> é 🚀", "n": n} for n in range(200)]
    flushed = flush("firehose", {"delivery_stream": stream}, chunk([(time.time(), it) for it in records]))
    assert flushed.verdict == "ok"
    expected = "".join(json.dumps(it, ensure_ascii=False, separators=(",", ":")) + "\n" for it in records)
    assert aws.objects(stream) == [expected.encode()]


def test_log_key_sends_the_value_alone_whatever_its_bytes(aws, flush):
    stream = aws.delivery_stream("raw")
    values = [b"text", b"", b"caf\xc3\xa9", b"\xff\xfe not UTF-8", b"nul\x00inside"]
    records = [(time.time(), {"log": value, "other": 1}) for value in values]
    assert flush("firehose", {"delivery_stream": stream, "log_key": "log"}, chunk(records)).verdict == "ok"
    assert b"".join(aws.objects(stream)) == b"".join(value + b"\n" for value in values)


def test_a_chunk_of_many_requests_arrives_whole(aws, flush):
    stream = aws.delivery_stream("many")
    lines = [f"{n:06} " + "z" * 300 for n in range(5_250)]
    records = [(time.time(), {"log": line}) for line in lines]
    flushed = flush("firehose", {"delivery_stream": stream, "log_key": "log"}, chunk(records))
    assert flushed.verdict == "ok"
    objects = aws.objects(stream)
    # One object for each request; a request takes 500 records.
    assert len(objects) == 11
    assert all(len(data.splitlines()) <= 500 for data in objects)
    assert sorted(b"".join(objects).decode().splitlines()) == lines


def test_the_time_key_tells_the_records_own_time(aws, flush):
    stream = aws.delivery_stream("times")
    at = 1_600_000_000.123456
    options = {
        "delivery_stream": stream, "time_key": "@timestamp", "time_key_format": "%Y-%m-%dT%H:%M:%S.%6NZ",
        "time_key_zone": "utc",
    }
    assert flush("firehose", options, chunk([(at, {"log": "x"})])).verdict == "ok"
    record = json.loads(b"".join(aws.objects(stream)))
    told = datetime.datetime.fromisoformat(record.pop("@timestamp"))
    assert told.timestamp() == at
    assert record == {"log": "x"}


def test_a_delivery_stream_that_feeds_an_http_endpoint_gets_the_records(aws, flush):
    with Receiver() as receiver:
        aws.client("firehose").create_delivery_stream(
            DeliveryStreamName="http",
            HttpEndpointDestinationConfiguration={
                "EndpointConfiguration": {"Url": receiver.url},
                "S3Configuration": {
                    "RoleARN": "arn:aws:iam::123456789012:role/delivery",
                    "BucketARN": "arn:aws:s3:::unused",
                },
            },
        )
        records = [(time.time(), {"log": f"line {n}"}) for n in range(3)]
        assert flush("firehose", {"delivery_stream": "http", "log_key": "log"}, chunk(records)).verdict == "ok"
    assert receiver.records == [b"line 0\n", b"line 1\n", b"line 2\n"]


def test_a_missing_delivery_stream_is_a_retry_that_names_it(aws, flush):
    flushed = flush("firehose", {"delivery_stream": "nowhere"}, chunk([(time.time(), {"log": "x"})]))
    assert flushed.verdict == "retry"
    assert "nowhere" in flushed.line("ResourceNotFoundException")


def test_nothing_is_asked_about_a_stream_that_exists(aws, flush):
    stream = aws.delivery_stream("quiet")
    assert flush("firehose", {"delivery_stream": stream}, chunk([])).verdict == "ok"
    described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=stream)
    assert described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
    assert aws.objects(stream) == []


class Receiver:
    """An HTTP endpoint as Firehose delivers to."""

    def __enter__(self):
        self.records = records = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                records.extend(base64.b64decode(record["data"]) for record in body["records"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
