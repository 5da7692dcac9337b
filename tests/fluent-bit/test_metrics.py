"""Every count on the host's endpoint is what the services saw."""

import json
import threading
import time
import tomllib
from pathlib import Path

import pytest
from metrics import COPIES_ALL_BUCKETS, SHOWN_SINCE, Endpoint, not_zero, requests
from patience import wait_for
from router import cloudwatch, firehose, kinesis, service
from stand_in import error

CARGO = tomllib.loads(Path("Cargo.toml").read_text())
VERSION = CARGO["workspace"]["package"]["version"]
FAST_RETRIES = {"scheduler.base": 1, "scheduler.cap": 2}


@pytest.fixture
def endpoint(version):
    if version < SHOWN_SINCE:
        pytest.skip("plugins have had a way to the host's metrics since Fluent Bit 2.2")
    return Endpoint()


def times(count, rule):
    return rule | {"times": count}


def of_operations(aws, *names):
    return [call for call in aws.ask("calls") if call["operation"] in names]


def is_settled(metrics):
    """Nothing is under way, and nothing waits to be brought again."""
    gauges = ["flushes_in_flight", "requests_in_flight", "oldest_undelivered_event_timestamp_seconds"]
    return all(sum(metrics[gauge].values()) == 0 for gauge in gauges)


def test_every_count_of_cloudwatch_is_what_the_service_saw(aws, docker, router, endpoint, version):
    config = service(**FAST_RETRIES, **endpoint.service) + docker.tcp()
    config += cloudwatch(
        aws, Alias="logs", log_key="text", max_event_bytes=1100, log_group_name="/shop/$(app)",
        default_log_group_name="/rest", Retry_Limit="no_limits", log_retention_days=7,
        log_stream_name="all", concurrency=1,
    )
    calls = ["PutLogEvents", "CreateLogGroup", "CreateLogStream", "PutRetentionPolicy"]
    now = round(time.time() * 1000)
    aws.script(
        times(3, error("PutLogEvents", 400, "ThrottlingException")),
        times(2, error("PutLogEvents", 500, "InternalFailure")),
        times(2, {"operation": "PutLogEvents", "action": "reset"}),
        times(1, error("CreateLogGroup", 400, "ThrottlingException")),
        times(1, error("PutLogEvents", 400, "AccessDeniedException") | {"group": "/shop/b"}),
        {"contains": "poison", "times": "forever",
         "action": {"error": {"status": 400, "code": "InvalidParameterException"}}},
    )
    with router(config) as fluent_bit, docker.container("web") as web:
        for n in range(50):
            web.log("", at=now + n, text=f"line {n} é", app="a" if n % 2 else "b")
        web.log("", at=now, text="poison", app="a")
        for n in range(3):
            web.log("", at=now - 15 * 86_400_000 + n, text="old", app="a")
        for n in range(2):
            web.log("", at=now + 3 * 3_600_000 + n, text="new", app="a")
        web.log("", at=now, text="x" * 2500, app="a")
        web.log("", at=now, text="no app")
        web.log("without text", at=now)
        web.log("", at=now, text="", app="a")
        aws.wait_for_events(50 + 3 + 1)
        metrics = endpoint.wait_for(
            "logs",
            lambda metrics: is_settled(metrics)
            and not_zero(metrics["requests_total"]) == requests(of_operations(aws, *calls)),
            "as many requests",
        )
        seen = of_operations(aws, *calls)
        print({name: not_zero(series) for name, series in metrics.items() if "bucket" not in name})
        total = aws.summary()["events_total"]
        count = lambda name: not_zero(metrics[name])
        assert count("delivered_events_total") == {(): total["count"]} == {(): 54}
        assert count("delivered_bytes_total") == {(): total["bytes"] + 26 * total["count"]}
        puts = [call for call in seen if call["operation"] == "PutLogEvents"]
        assert count("throttles_total") == {(): sum(call["code"] == "ThrottlingException" for call in puts)} == {(): 3}
        assert count("ambiguous_requests_total") == {(): sum(call["status"] is None for call in puts)} == {(): 2}
        assert count("rejected_events_total") == {("too_old",): 3, ("too_new",): 2}
        assert count("dropped_events_total") == {("refused",): 1}
        assert count("split_records_total") == {(): 1}
        assert count("skipped_records_total") == {("no_log_key",): 1, ("empty",): 1}
        assert count("template_fallbacks_total") == {("log_group",): 1}
        # The denied write left a part of its chunk, which came again.
        assert count("chunk_retries_total") == {(): 1}
        assert count("ledger_resumes_total") == {(): 1}
        for name in ["truncated_events_total", "too_deep_values_total", "ledger_forgotten_total",
                     "credentials_expiry_timestamp_seconds"]:
            assert count(name) == {}, name
        assert count("build_info") == {(VERSION,): 1}
        assert sum(metrics["pace_requests_per_second"].values()) > 0
        for operation in calls:
            made = sum(call["operation"] == operation for call in seen)
            assert metrics["request_duration_seconds_count"][(operation,)] == made
            if version >= COPIES_ALL_BUCKETS:
                assert metrics["request_duration_seconds_bucket"][("+Inf", operation)] == made
        flushes = metrics["flush_duration_seconds_count"][()]
        assert flushes >= 2 and metrics["flush_duration_seconds_sum"][()] > 0
    assert "attempting to reset" not in fluent_bit.lines()


def test_every_count_of_firehose_is_what_the_service_saw(aws, docker, router, endpoint):
    config = service(**FAST_RETRIES, **endpoint.service) + docker.tcp()
    config += firehose(
        aws, log_key="text", delivery_stream="$(to)", default_delivery_stream="shop",
        Retry_Limit="no_limits", oversize="truncate",
    )
    partial = {"indices": [1, 3], "code": "ServiceUnavailableException", "message": "Slow down."}
    aws.script(
        times(1, error("PutRecordBatch", 400, "ServiceUnavailableException")),
        times(1, {"operation": "PutRecordBatch", "action": {"partial_failure": partial}}),
        times(1, error("PutRecordBatch", 400, "AccessDeniedException")),
        times(1, {"operation": "PutRecordBatch", "action": "reset"}),
    )
    task = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/creds",
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
    }
    with router(config, env=task) as fluent_bit, docker.container("web") as web:
        for n in range(20):
            web.log("", text=f"line {n} é", to="shop")
        web.log("", text="no stream")
        web.log("", text="y" * 1_100_000, to="shop")
        web.log("without text")
        aws.wait_for_records(22)

        def counts_agree(metrics):
            seen = requests(of_operations(aws, "PutRecordBatch"))
            # The answer to a batch that was taken in part has status 200 as well.
            seen["PutRecordBatch", "ok"] -= 1
            return not_zero(metrics["requests_total"]) == seen | {("PutRecordBatch", "partial"): 1}

        metrics = endpoint.wait_for(
            "firehose.0", lambda metrics: is_settled(metrics) and counts_agree(metrics), "as many requests"
        )
        total = aws.summary()["records_total"]
        count = lambda name: not_zero(metrics[name])
        assert count("delivered_events_total") == {(): total["count"]} == {(): 22}
        assert count("delivered_bytes_total") == {(): total["bytes"]}
        assert count("throttles_total") == {(): 2}
        assert count("ambiguous_requests_total") == {(): 1}
        assert count("truncated_events_total") == {(): 1}
        assert count("skipped_records_total") == {("no_log_key",): 1}
        assert count("template_fallbacks_total") == {("delivery_stream",): 1}
        assert count("chunk_retries_total") == {(): 1}
        assert metrics["credentials_expiry_timestamp_seconds"][()] > time.time()
    assert "attempting to reset" not in fluent_bit.lines()


def test_the_oldest_event_that_waits_is_shown_while_the_service_is_gone(aws, docker, router, endpoint):
    config = service(**FAST_RETRIES, **endpoint.service) + docker.tcp()
    config += cloudwatch(aws, Retry_Limit="no_limits", flush_timeout="1s")
    aws.script(error("PutLogEvents", 503, "ServiceUnavailableException"))
    written = time.time() - 600
    oldest = "oldest_undelivered_event_timestamp_seconds"
    with router(config), docker.container("web") as web:
        web.log("one", at=round(written * 1000))
        endpoint.wait_for(
            "cloudwatch.0",
            lambda metrics: metrics[oldest].get(()) == int(written) and metrics["chunk_retries_total"][()] > 1,
            "the event's time",
        )
        aws.heal()
        endpoint.wait_for("cloudwatch.0", is_settled, "nothing that waits")
    assert aws.event_count() == 1


def test_the_endpoint_can_be_read_at_any_time(aws, docker, router, endpoint):
    """The engine's thread sets values while others read them; no value ever goes back."""
    config = service(Flush=0.1, **endpoint.service) + docker.tcp()
    for n in range(4):
        config += cloudwatch(aws, log_group_name=f"/{n}", log_key="log", Match=f"*{n}")
    ended, seen, failures = threading.Event(), [], []

    def read():
        last = {}
        try:
            while not ended.is_set():
                metrics = endpoint.metrics("cloudwatch.0")
                seen.append(len(metrics))
                for name in ["delivered_events_total", "requests_total", "request_duration_seconds_count"]:
                    now = {(name, labels): number for labels, number in metrics[name].items()}
                    assert all(now[key] >= last.get(key, 0) for key in now), (last, now)
                    last |= now
        except Exception as problem:
            failures.append(problem)

    lines = [f"line {n}" for n in range(3000)]
    with router(config) as fluent_bit:
        fluent_bit.wait_for_line("stream processor started")
        readers = [threading.Thread(target=read) for _ in range(4)]
        [reader.start() for reader in readers]
        for n in range(4):
            with docker.container(f"web-{n}") as container:
                container.log_all(lines)
        aws.wait_for_events(4 * len(lines), patience=60)
        for n in range(4):
            endpoint.wait_for(
                f"cloudwatch.{n}",
                lambda metrics: metrics["delivered_events_total"][()] == len(lines), "all lines",
            )
        wait_for(lambda: len(seen) > 100 or failures, "a hundred answers")
        ended.set()
        [reader.join() for reader in readers]
    assert not failures, failures
    assert min(seen) > 20, seen
    print(f"read {len(seen)} times")


def documents(aws):
    """What the outputs told CloudWatch of themselves."""
    streams = aws.summary()["events"].get("fluentbit-self-metrics", {})
    told = (aws.messages("fluentbit-self-metrics", stream) for stream in streams)
    return [json.loads(message) for messages in told for message in messages]


def test_an_output_tells_cloudwatch_of_itself_by_cluster_and_family(aws, docker, router):
    """On every host, as this needs nothing of it."""
    config = service() + docker.tcp()
    config += cloudwatch(aws, Alias="web", self_metrics_namespace="LogRouter", self_metrics_interval="1s")
    task = {"ECS_CONTAINER_METADATA_URI_V4": f"{aws.url}/v4/router"}
    with router(config, env=task), docker.container("web") as web:
        web.log_all(map(str, range(30)))
        aws.wait_for_events(30)
        wait_for(lambda: len(documents(aws)) > 1, "two documents")
    told = documents(aws)
    assert sum(document["DeliveredEvents"] for document in told) == 30
    for document in told:
        assert (document["Cluster"], document["Family"], document["Output"]) == ("demo", "shop", "web")
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "LogRouter"
        assert directive["Dimensions"] == [["Cluster", "Family", "Output"]]


def test_every_count_of_kinesis_is_what_the_service_saw(aws, docker, router, endpoint):
    config = service(**FAST_RETRIES, **endpoint.service) + docker.tcp()
    config += kinesis(
        aws, log_key="text", partition_key="to", Retry_Limit="no_limits", oversize="truncate",
    )
    partial = {"indices": [1, 3], "code": "ProvisionedThroughputExceededException", "message": "Rate exceeded."}
    aws.script(
        times(1, error("PutRecords", 400, "ProvisionedThroughputExceededException")),
        times(1, {"operation": "PutRecords", "action": {"partial_failure": partial}}),
        times(1, error("PutRecords", 400, "AccessDeniedException")),
        times(1, {"operation": "PutRecords", "action": "reset"}),
    )
    with router(config) as fluent_bit, docker.container("web") as web:
        for n in range(20):
            web.log("", text=f"line {n} é", to="shop")
        web.log("", text="no key")
        web.log("", text="y" * 1_100_000, to="shop")
        web.log("without text", to="shop")
        aws.wait_for_kinesis(22)

        def counts_agree(metrics):
            seen = requests(of_operations(aws, "PutRecords"))
            # The answer to a request that was taken in part has status 200 as well.
            seen["PutRecords", "ok"] -= 1
            return not_zero(metrics["requests_total"]) == seen | {("PutRecords", "partial"): 1}

        metrics = endpoint.wait_for(
            "kinesis.0", lambda metrics: is_settled(metrics) and counts_agree(metrics), "as many requests"
        )
        total = aws.summary()["kinesis_total"]
        keys = sum(len(record["partition_key"]) for record in aws.kinesis("shop"))
        count = lambda name: not_zero(metrics[name])
        assert count("delivered_events_total") == {(): total["count"]} == {(): 22}
        assert count("delivered_bytes_total") == {(): total["bytes"] + keys}
        assert count("throttles_total") == {(): 2}
        assert count("ambiguous_requests_total") == {(): 1}
        assert count("truncated_events_total") == {(): 1}
        assert count("skipped_records_total") == {("no_log_key",): 1}
        assert count("template_fallbacks_total") == {("partition_key",): 1}
        assert count("chunk_retries_total") == {(): 1}
    assert "attempting to reset" not in fluent_bit.lines()
