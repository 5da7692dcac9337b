"""Records from containers reach the services as they were sent."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from router import FREES_A_PLUGIN_ONCE, REGION, cloudwatch, firehose, section, service

LONG_AGO = 1_600_000_000_123
"""No event may be that old, but Firehose takes any time."""

TASK = "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9de17a6465404e8b1b2356dc13c2f8"


def hour_ago():
    return round(time.time() * 1000) - 3_600_000


@pytest.mark.parametrize("by", ["tcp", "unix"])
def test_records_of_two_containers_arrive_with_their_own_times(aws, docker, router, by):
    config = service() + docker.tcp() + docker.unix()
    config += cloudwatch(aws, Match="web-firelens*", log_key="log")
    config += firehose(
        aws, Match="worker-firelens*", time_key="at", time_key_format="%s%3N", time_key_zone="utc"
    )
    start = hour_ago()
    with router(config), docker.container("web-firelens-1", by) as web, \
            docker.container("worker-firelens-1", by) as worker:
        for n in range(100):
            web.log(f"web {n} é", at=start + n)
            worker.log(f"worker {n} é", at=LONG_AGO + n)
        aws.wait_for_events(100)
        aws.wait_for_records(100)
    assert aws.events("/shop", "web-firelens-1") == [(start + n, f"web {n} é") for n in range(100)]
    records = sorted(map(json.loads, aws.records("shop")), key=lambda record: record["at"])
    assert [(record["at"], record["log"]) for record in records] == [
        (str(LONG_AGO + n), f"worker {n} é") for n in range(100)
    ]


def test_a_whole_record_is_json_with_every_field_of_the_driver(aws, docker, router):
    with router(service() + docker.tcp() + cloudwatch(aws)), docker.container("web-firelens-1") as web:
        web.log('quotes " <&> \\ \x01 é', source="stderr")
        aws.wait_for_events(1)
    (message,) = aws.messages("/shop", "web-firelens-1")
    record = json.loads(message)
    assert (record["log"], record["source"]) == ('quotes " <&> \\ \x01 é', "stderr")
    assert set(record) == {"log", "source", "container_id", "container_name"}


def test_a_yaml_configuration_works_alike(aws, docker, router, version):
    if version < (2, 0, 0):
        pytest.skip("YAML came to stay with Fluent Bit 2.0")
    config = f"""
service:
  flush: 0.2
  log_level: info
pipeline:
  inputs:
    - name: forward
      listen: 127.0.0.1
      port: {docker.port}
  outputs:
    - name: cloudwatch
      match: "*"
      region: {REGION}
      endpoint: {aws.url}
      log_group_name: /shop
      log_stream_name: $(tag)
      auto_create_group: true
      log_key: log
    - name: firehose
      match: "*"
      region: {REGION}
      endpoint: {aws.url}
      delivery_stream: shop
      log_key: log
"""
    with router(config, name="fluent-bit.yaml"), docker.container("web") as web:
        web.log_all(["one", "two"])
        aws.wait_for_events(2)
        aws.wait_for_records(2)
    assert aws.messages("/shop", "web") == ["one", "two"]
    assert sorted(aws.records("shop")) == [b"one\n", b"two\n"]


def test_plugins_are_loaded_by_a_plugins_file(aws, directory, docker, router, plugins):
    paths = [("Path", plugins / "cloudwatch.so"), ("Path", plugins / "firehose.so")]
    (directory / "plugins.conf").write_text(section("PLUGINS", *paths))
    config = service(plugins_file="plugins.conf") + docker.tcp()
    config += cloudwatch(aws, log_key="log") + firehose(aws, log_key="log")
    with router(config, load=False), docker.container("web") as web:
        web.log("one")
        aws.wait_for_events(1)
        aws.wait_for_records(1)


def test_several_outputs_of_one_plugin_each_get_their_records(aws, docker, router, version):
    config = service() + docker.tcp()
    for name in ["a", "b", "c"]:
        config += cloudwatch(aws, Match=f"{name}-*", log_group_name=f"/{name}", log_key="log")
        config += firehose(aws, Match=f"{name}-*", log_key="log", Alias=f"records-of-{name}")
    config += cloudwatch(aws, log_group_name="/all", log_stream_name="all", log_key="log")
    with router(config) as fluent_bit:
        for name in ["a", "b", "c"]:
            with docker.container(f"{name}-firelens-1") as container:
                container.log_all(f"{name} {n}" for n in range(20))
        aws.wait_for_events(120)
        aws.wait_for_records(60)
        if version < FREES_A_PLUGIN_ONCE:
            fluent_bit.kill()
    expected = {name: [f"{name} {n}" for n in range(20)] for name in ["a", "b", "c"]}
    assert {name: aws.messages(f"/{name}", f"{name}-firelens-1") for name in expected} == expected
    everything = sorted(sum(expected.values(), []))
    assert sorted(aws.messages("/all", "all")) == everything
    assert sorted(record.decode().rstrip("\n") for record in aws.records("shop")) == everything


@pytest.mark.parametrize("workers", [0, 2])
def test_only_the_workers_of_a_section_are_started(aws, docker, router, workers):
    """Flushes yield on the engine's thread, or on the worker threads that a user asks for."""
    options = {"log_key": "log"} | ({"workers": workers} if workers else {})
    with router(service(Log_Level="debug") + docker.tcp() + cloudwatch(aws, **options)) as fluent_bit:
        with docker.container("web") as web:
            web.log_all(map(str, range(50)))
        aws.wait_for_events(50)
    assert aws.messages("/shop", "web") == list(map(str, range(50)))
    lines = fluent_bit.lines()
    assert [f"worker #{n} started" in lines for n in range(3)] == [n < workers for n in range(3)]
    where = "on worker threads" if workers else "on the engine's thread"
    assert f"flushes yield {where}" in lines or "Fluent Bit v1." in lines, lines


def test_without_coroutines_worker_threads_are_started_once(aws, directory, docker, router):
    """The plugin does not find `flb_coro_get`, as in a Fluent Bit that lacks it."""
    hidden = hide(directory, "flb_coro_get")
    config = service() + docker.tcp() + cloudwatch(aws, log_key="log", concurrency=3)
    with router(config, env={"LD_PRELOAD": str(hidden)}) as fluent_bit:
        with docker.container("web") as web:
            web.log_all(map(str, range(50)))
        aws.wait_for_events(50)
        threads = len(list(Path(f"/proc/{fluent_bit.process.pid}/task").iterdir()))
    lines = fluent_bit.lines()
    assert [lines.count(f"worker #{n} started") for n in range(4)] == [1, 1, 1, 0]
    assert threads < 12
    assert sorted(aws.messages("/shop", "web"), key=int) == list(map(str, range(50)))


def hide(directory, symbol):
    """A library that hides a symbol of the executable from those who look it up."""
    source, library = directory / "hide.c", directory / "hide.so"
    source.write_text(f'''
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <string.h>
        void *dlsym(void *handle, const char *name)
        {{
            static void *(*next)(void *, const char *);
            if (!next) next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
            if (!next) next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
            return strcmp(name, "{symbol}") ? next(handle, name) : 0;
        }}
    ''')
    compiler = os.environ.get("TEST_CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def test_a_generated_firelens_configuration_with_partial_messages(aws, docker, router, directory):
    """The text that the ECS agent writes; a user's filter then joins the pieces of long lines, and
    so the generated filter adds its keys to the joined record a second time."""
    join = [("Name", "multiline"), ("Match", "*-firelens-*"), ("multiline.key_content", "log"),
            ("mode", "partial_message")]
    (directory / "user.conf").write_text(section("SERVICE", Flush=0.2) + section("FILTER", *join))
    config = "\n" + section("INPUT", Name="forward", Mem_Buf_Limit="64MB", unix_path=docker.path)
    config += docker.tcp()
    config += section("FILTER", Name="grep", Match="web-firelens*", Exclude="log GET /healthz")
    config += section(
        "FILTER", ("Name", "record_modifier"), ("Match", "*"), ("Record", "ecs_cluster prod"),
        ("Record", f"ecs_task_arn {TASK}"), ("Record", "ecs_task_definition shop:7"),
    )
    config += "@INCLUDE user.conf\n\n"
    config += section("OUTPUT", Name="null", Match="firelens-healthcheck")
    config += cloudwatch(aws, Match="web-firelens*", log_group_name="/shop/$(ecs_cluster)",
                         log_stream_name="web/$(ecs_task_id)", retry_limit=4)
    config += firehose(aws, Match="worker-firelens*")
    task = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/creds",
        "ECS_CONTAINER_METADATA_URI_V4": f"{aws.url}/v4/router",
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
    }
    pieces = ["x" * 16384, "y" * 16384, "the end"]
    with router(config, env=task), docker.container("web-firelens-0f9d", "unix") as web, \
            docker.container("worker-firelens-0f9d") as worker:
        web.log("GET /healthz")
        web.log("GET /cart")
        worker.log("a job")
        for n, piece in enumerate(pieces, 1):
            web.log(piece, partial_message="true", partial_id="5fb1", partial_ordinal=str(n),
                    partial_last="true" if n == len(pieces) else "false")
        aws.wait_for_events(2)
        aws.wait_for_records(1)
    ((group, streams),) = aws.summary()["events"].items()
    ((stream, _),) = streams.items()
    # The cluster's name as the task metadata has it, not as the record.
    assert group == "/shop/arn.aws.ecs.us-east-1.123456789012.cluster/demo"
    assert stream.startswith("web/") and len(stream) == len("web/") + 32
    records = [unique(message) for message in aws.messages(group, stream)]
    assert sorted(record["log"] for record in records) == ["GET /cart", "".join(pieces)]
    assert all(record["ecs_task_definition"] == "shop:7" for record in records)
    (job,) = aws.records("shop")
    assert unique(job)["ecs_task_arn"] == TASK
    assert aws.calls("EcsCredentials") and aws.calls("EcsTask")


def unique(text):
    """A JSON object in which no key may stand twice."""

    def pairs(found):
        keys = [key for key, _ in found]
        assert len(keys) == len(set(keys)), keys
        return dict(found)

    return json.loads(text, object_pairs_hook=pairs)


def test_records_that_rewrite_tag_sends_again_go_by_their_new_tag(aws, docker, router):
    config = service() + docker.tcp()
    config += section("FILTER", Name="rewrite_tag", Match="web", Rule="$log ^(ERROR) errors.$TAG false")
    config += cloudwatch(aws, log_key="log")
    with router(config), docker.container("web") as web:
        web.log_all(["fine", "ERROR bad", "fine again"])
        aws.wait_for_events(3)
    assert aws.messages("/shop", "web") == ["fine", "fine again"]
    assert aws.messages("/shop", "errors.web") == ["ERROR bad"]


def test_a_file_that_is_tailed(aws, directory, router):
    file = directory / "app.log"
    file.write_text("".join(f"line {n}\n" for n in range(500)))
    config = service() + section("INPUT", Name="tail", Path=file, Tag="app", Read_from_Head="true")
    config += cloudwatch(aws, log_key="log") + firehose(aws, log_key="log")
    with router(config):
        aws.wait_for_events(500)
        with file.open("a") as more:
            more.write("the last\n")
        aws.wait_for_events(501)
        aws.wait_for_records(501)
    expected = [f"line {n}" for n in range(500)] + ["the last"]
    assert sorted(aws.messages("/shop", "app")) == sorted(expected)
    assert sorted(aws.records("shop")) == sorted(f"{line}\n".encode() for line in expected)
