"""Events put through cloudwatch.so are in moto as boto3 reads them."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from chunk import chunk

HOUR = 3600


def now():
    """In whole milliseconds, as seconds."""
    return round(time.time(), 3)


def millis(seconds):
    return round(seconds * 1000)


def test_a_missing_group_and_stream_are_created_and_the_events_keep_their_times(aws, flush):
    start = now() - HOUR
    records = [(start + at / 1000, {"log": f"line {at}", "source": "stdout"}) for at in range(250)]
    options = {"log_group_name": "/shop", "log_stream_prefix": "from-", "auto_create_group": "On"}

    flushed = flush("cloudwatch", options, chunk(records))

    assert flushed.verdict == "ok"
    assert flushed.line("created log group `/shop`").startswith("info ")
    read = aws.events("/shop", "from-web-firelens-1")
    assert [at for at, _ in read] == [millis(at) for at, _ in records]
    assert [json.loads(message) for _, message in read] == [record for _, record in records]


@pytest.mark.parametrize("form", ["v1", "v2"])
def test_both_record_forms_give_the_same_events(aws, flush, form):
    records = [(now(), {"log": "a line"})]
    options = {"log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true"}
    assert flush("cloudwatch", options, chunk(records, form)).verdict == "ok"
    assert aws.events("g", "s") == [(millis(records[0][0]), '{"log":"a line"}')]


@pytest.mark.parametrize("form", ["v1", "v2"])
def test_whole_and_fractional_seconds_are_times_too(aws, flush, form):
    second = int(now())
    lines = [
        {"time": second, "record": {"n": 1}},
        {"time": second + 0.25, "record": {"n": 2, "deep": {"list": [None, True, 1.5, "x"]}}},
    ]
    text = "\n".join(map(json.dumps, lines)).encode()
    options = {"log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true"}
    flushed = flush("cloudwatch", options, text, arguments=["--jsonl", "--format", form])
    assert flushed.verdict == "ok"
    read = aws.events("g", "s")
    assert [at for at, _ in read] == [second * 1000, second * 1000 + 250]
    assert [json.loads(message) for _, message in read] == [line["record"] for line in lines]


TEXTS = [
    "plain", "  blanks around  ", 'quotes " and \\ backslashes', "<tag> & 'text'", "tab\tand\x01control",
    "two\nlines", "Zürich 東京 🚀", "x" * 200_000, "{\"json\":[1,2]}", "%s %n %d", "\u2028\u2029\ufeff",
]


def test_the_text_of_log_key_arrives_as_it_is(aws, flush):
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    at = now()
    flushed = flush("cloudwatch", options, chunk([(at, {"log": text, "other": 1}) for text in TEXTS]))
    assert flushed.verdict == "ok"
    assert aws.messages("g", "s") == TEXTS


def test_a_whole_record_with_any_text_is_json_that_python_reads_back(aws, flush):
    options = {"log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true"}
    records = [{"log": text, text[:50]: [text, {"deep": text}]} for text in TEXTS]
    assert flush("cloudwatch", options, chunk([(now(), it) for it in records])).verdict == "ok"
    assert [json.loads(message) for message in aws.messages("g", "s")] == records


def test_events_out_of_order_are_sorted_and_equal_times_keep_their_order(aws, flush):
    base = now() - HOUR
    offsets = [5, 3, 3, 9, 1, 3, 0, 9]
    records = [(base + offset, {"log": f"{offset}-{n}"}) for n, offset in enumerate(offsets)]
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    # moto refuses a request whose events are not in order.
    assert flush("cloudwatch", options, chunk(records)).verdict == "ok"
    expected = [record["log"] for _, record in sorted(records, key=lambda it: it[0])]
    assert aws.messages("g", "s") == expected


def test_a_chunk_of_many_requests_arrives_whole(aws, flush):
    start = now() - HOUR
    records = [(start + n / 1000, {"log": f"{n:06} " + "y" * 150}) for n in range(25_000)]
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    flushed = flush("cloudwatch", options, chunk(records))
    assert flushed.verdict == "ok"
    assert aws.messages("g", "s") == [record["log"] for _, record in records]


def test_a_line_beyond_the_limit_arrives_in_parts_that_make_it_up(aws, flush):
    line = "".join(f"{n:07}é" for n in range(250_000))
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    assert flush("cloudwatch", options, chunk([(now(), {"log": line})])).verdict == "ok"
    parts = aws.messages("g", "s")
    assert len(parts) == 3
    assert all(len(part.encode()) + 26 <= 1_048_576 for part in parts)
    marks = [f"[Part {n}/{len(parts)}]" for n in range(1, len(parts) + 1)]
    assert all(part.endswith(mark) for part, mark in zip(parts, marks))
    assert "".join(part.removesuffix(mark).rstrip() for part, mark in zip(parts, marks)) == line


def test_names_are_made_from_the_records_and_the_tag(aws, flush):
    services = ["api", "web", "jobs"]
    records = [(now(), {"log": f"{n}", "service": services[n % 3]}) for n in range(30)]
    options = {
        "log_group_name": "/shop/$(service)", "log_stream_name": "$(tag[0])-$(service)",
        "auto_create_group": "true", "log_key": "log",
    }
    assert flush("cloudwatch", options, chunk(records), tag="web.x").verdict == "ok"
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"] for group in groups} == {f"/shop/{name}" for name in services}
    for index, name in enumerate(services):
        expected = [str(n) for n in range(30) if n % 3 == index]
        assert aws.messages(f"/shop/{name}", f"web-{name}") == expected


def test_a_group_is_created_with_its_tags_and_retention(aws, flush):
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true",
        "new_log_group_tags": "team=shop, cost-center = 42", "log_retention_days": "14",
    }
    assert flush("cloudwatch", options, chunk([(now(), {"log": "x"})])).verdict == "ok"
    logs = aws.client("logs")
    group = logs.describe_log_groups()["logGroups"][0]
    assert group["retentionInDays"] == 14
    tags = logs.list_tags_log_group(logGroupName="g")["tags"]
    assert tags == {"team": "shop", "cost-center": "42"}


def test_an_existing_group_is_written_to_and_nothing_is_created_beside_it(aws, flush):
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    options = {"log_group_name": "g", "log_stream_name": "s", "log_key": "log"}
    flushed = flush("cloudwatch", options, chunk([(now(), {"log": "x"})]))
    assert flushed.verdict == "ok"
    assert not [line for line in flushed.lines if "created" in line]
    assert aws.messages("g", "s") == ["x"]


def test_a_missing_group_that_may_not_be_created_is_a_retry_that_says_what_to_do(aws, flush):
    options = {"log_group_name": "missing", "log_stream_name": "s"}
    flushed = flush("cloudwatch", options, chunk([(now(), {"log": "x"})]))
    assert flushed.verdict == "retry"
    assert "auto_create_group true" in flushed.line("1 events are not delivered yet")
    assert aws.client("logs").describe_log_groups()["logGroups"] == []


def test_events_that_the_service_refuses_are_counted_and_the_others_stored(aws, flush):
    day = 24 * HOUR
    times = [now() - 20 * day, now() - 1, now() + 5 * HOUR]
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    records = [(at, {"log": f"event {n}"}) for n, at in enumerate(times)]
    flushed = flush("cloudwatch", options, chunk(records))
    assert flushed.verdict == "ok"
    assert aws.messages("g", "s") == ["event 1"]
    # moto gives an index of the last event that is too old where the service gives the one after
    # it, so only those that are too new are counted alike.
    flushed.line("dropped 1 events that the service refused as more than 2 hours in the future")


def test_a_torn_chunk_gives_what_came_before_the_tear(aws, flush):
    whole = chunk([(now(), {"log": "one"}), (now(), {"log": "two"})])
    options = {
        "log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log",
    }
    flushed = flush("cloudwatch", options, whole[:-1])
    assert flushed.verdict == "ok"
    assert flushed.line("torn").startswith("error ")
    assert aws.messages("g", "s") == ["one"]


def test_a_bad_section_is_refused_with_every_problem_and_calls_nothing(aws, flush):
    flushed = flush("cloudwatch", {"log_group_name": "g", "log_retention_days": "15"}, b"")
    assert flushed.verdict == "refused"
    flushed.line("`log_retention_days` is `15`")
    flushed.line("log_stream_name")
    with pytest.raises(ClientError):
        aws.client("logs").describe_log_streams(logGroupName="g")
