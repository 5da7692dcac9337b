"""The configurations that come with the image: each one starts, and does what it is for."""

import json
import re
import subprocess

import pytest
from image import SOURCES
from patience import wait_for
from router import cloudwatch, section
from stand_in import StandIn

CONFIGS = sorted(path.name for path in (SOURCES / "configs").iterdir())
PIPELINES = ["amazon-es.conf", "cloudwatch.conf", "firehose.conf", "kinesis.conf", "s3.conf"]
ENV = {
    "HOSTNAME": "router", "FLUENT_BIT_METRICS_LOG_GROUP": "/metrics", "FLUENT_BIT_METRICS_LOG_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1", "ECS_CLUSTER": "prod", "ECS_TASK_ARN": "arn:aws:ecs:eu-west-1:1:task/prod/0f9d",
    "ECS_TASK_DEFINITION": "shop:7", "FIREHOSE_REGION": "eu-west-1", "DELIVERY_STREAM": "shop",
    "KINESIS_REGION": "eu-west-1", "DATA_STREAM": "shop", "S3_REGION": "eu-west-1", "S3_BUCKET": "shop",
    "ES_ENDPOINT": "search.example.com", "ES_REGION": "eu-west-1", "ES_INDEX": "shop", "PARSER_NAME": "json",
}


def mount(image, docker, config, *outputs):
    """What FireLens mounts, with one of the image's files included."""
    text = docker.unix() + f"@INCLUDE {image.root}/fluent-bit/configs/{config}\n\n" + "".join(outputs)
    image.write("fluent-bit/etc/fluent-bit.conf", text)


@pytest.mark.parametrize("config", CONFIGS)
def test_each_config_passes_a_dry_run(aws, docker, image, config):
    mount(image, docker, config, cloudwatch(aws))
    status, lines = image.start("--dry-run", env=ENV).ended()
    assert status == 0 and "configuration test is successful" in lines, lines
    assert "error" not in lines, lines


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_pipeline_without_firelens_passes_a_dry_run(binary, image, pipeline):
    (output,) = re.findall(r"\[OUTPUT\]\n    Name (\S+)", (SOURCES / "ecs" / pipeline).read_text())
    if output not in ["cloudwatch", "firehose", "kinesis"] and not has_output(binary, output):
        pytest.skip(f"this Fluent Bit is built without the output {output}")
    include = f"@INCLUDE {image.root}/ecs/{pipeline}\n@INCLUDE {image.root}/ecs/filter-parser.conf\n"
    own = image.write("own.conf", include)
    status, lines = image.start("--dry-run", "-c", own, env=ENV).ended()
    assert status == 0 and "configuration test is successful" in lines, lines
    assert "error" not in lines, lines


def has_output(binary, name):
    told = subprocess.run([binary, "--help"], capture_output=True, text=True).stdout
    return re.search(rf"^ +{name} ", told, re.MULTILINE)


def test_json_lines_become_fields(aws, docker, image):
    mount(image, docker, "parse-json.conf", cloudwatch(aws))
    with image.start(), docker.container("web-firelens-1", "unix") as web:
        web.log('{"level":"warn","n":1}')
        web.log("plain")
        aws.wait_for_events(2)
    first, second = map(json.loads, aws.messages("/shop", "web-firelens-1"))
    assert (first["level"], first["n"], first["source"], "log" in first) == ("warn", 1, "stdout", False)
    assert second["log"] == "plain"


def pieces(line, size=16 * 1024):
    """What Docker's driver adds to each piece of a line that it has cut."""
    texts = [line[n:n + size] for n in range(0, len(line), size)]
    for ordinal, text in enumerate(texts, 1):
        last = "true" if ordinal == len(texts) else "false"
        yield text, {
            "partial_message": "true", "partial_id": "5" * 64, "partial_ordinal": str(ordinal), "partial_last": last,
        }


@pytest.mark.parametrize("config", ["join-partial-messages.conf", "parse-multiline-json.conf"])
def test_the_pieces_of_a_line_are_joined(aws, docker, image, config):
    mount(image, docker, config, cloudwatch(aws))
    line = json.dumps({"text": "x" * 40_000})
    with image.start(), docker.container("web-firelens-1", "unix") as web:
        for text, partial in pieces(line):
            web.log(text, **partial)
        aws.wait_for_events(1)
    (message,) = aws.messages("/shop", "web-firelens-1")
    record = json.loads(message)
    joined = record["text"] if config.startswith("parse") else json.loads(record["log"])["text"]
    assert joined == "x" * 40_000
    assert not any(key.startswith("partial_") for key in record)


def test_chunks_in_files_outlive_a_crash(aws, docker, image):
    options = {"log_key": "log", "Retry_Limit": "no_limits", "flush_timeout": "1s"}
    mount(image, docker, "filesystem-buffering.conf", cloudwatch(aws, endpoint="http://127.0.0.1:9", **options))
    fluent_bit = image.start().start()
    with docker.container("web-firelens-1", "unix") as web:
        web.log_all(["one", "two", "three"])
        wait_for(lambda: any((image.root / "fluent-bit/storage").glob("*/*.flb")), "chunks in files")
        fluent_bit.wait_for_line("3 events are not delivered yet")
        assert any((image.root / "fluent-bit/storage/resume").glob("cloudwatch-*.retry"))
        fluent_bit.kill()
    docker.path.unlink()
    mount(image, docker, "filesystem-buffering.conf", cloudwatch(aws, **options))
    with image.start():
        aws.wait_for_events(3)
    assert aws.messages("/shop", "web-firelens-1") == ["one", "two", "three"]


@pytest.mark.parametrize("config", [config for config in CONFIGS if "metrics-to-cloudwatch" in config])
def test_metrics_are_sent_to_their_own_group(directory, docker, image, config):
    """By the output that Fluent Bit has built in, led to the stand-in; it speaks TLS alone."""
    file = image.root / "fluent-bit/configs/plugin-metrics-to-cloudwatch.conf"
    certificate = directory / "certificate"
    with StandIn(certificate=certificate) as aws:
        host, port = aws.url.removeprefix("https://").split(":")
        led = f"Match fb_metrics\n    endpoint {host}\n    port {port}\n    tls.ca_file {certificate}"
        text = file.read_text().replace("Match fb_metrics", led)
        file.write_text(text.replace("Scrape_Interval 30", "Scrape_Interval 1"))
        mount(image, docker, config, section("OUTPUT", Name="null", Match="*"))
        with image.start(env=ENV):
            wait_for(lambda: "/metrics" in aws.summary()["events"], "a group of metrics")
            messages = lambda: "".join(aws.messages("/metrics", "router-fb-internal-metrics"))
            wait_for(lambda: "fluentbit_output" in messages(), "metrics of outputs")
