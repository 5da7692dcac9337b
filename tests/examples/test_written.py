"""What `migrate --write` prints of each fixture starts in a real Fluent Bit and delivers to the stand-in.

A configuration is started as it was written, and a task definition by the configuration that ECS makes
of it. Where only another tool could make either, as Terraform of its functions, the outputs are started
by themselves. Where something is left to do by hand that keeps the result from a start, it must be refused.
The run closes with how many were started in which way, and why others were not."""

import os
import re
import subprocess
import textwrap

import pytest
import whole
from conftest import ROOT, WRITTEN, migrate, write
from documents import KINDS, lower, outputs
from patience import wait_for
from router import Router
from stand_in import StandIn

FIXTURES = ROOT / "fluent-bit/migrate/tests/migrate/fixtures"
STREAMS = ["all", "api", "app", "app-known", "audit", "catalog", "events", "feed", "inner", "jobs", "known", "search"]
"""The delivery streams of the fixtures."""
KINESIS_STREAMS = ["events", "metrics"]
OF_THE_PLACE = {"match", "region", "awslogs-region", "log-driver-buffer-limit", "include-pattern", "exclude-pattern"}


def names():
    return sorted(path.name for path in FIXTURES.iterdir() if path.suffix != ".answer")


@pytest.fixture
def aws():
    # Log groups are made by the template that has the task.
    streams = [part for name in STREAMS for part in ("--delivery-stream", name)]
    streams += [part for name in KINESIS_STREAMS for part in ("--kinesis-stream", name)]
    with StandIn("--auto-create", *streams) as stand_in:
        yield stand_in


@pytest.mark.parametrize("name", names())
def test_what_is_written_starts_and_delivers(aws, directory, docker, name):
    path = FIXTURES / name
    files, statuses, to_do = {}, set(), ""
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            status, text, said = write(file)
            statuses.add(status)
            to_do += said
            # A file that is not a configuration by itself is a part of the others as it is.
            text = text or (file.read_text(errors="replace") if path.is_dir() else "")
            text += to_add(file)
            # Jinja's names, which another tool fills in.
            files[file.name] = re.sub(r"\{\{ *(\w+) *\}\}", lambda found: whole.known(found[1]), text)
    # A name in a file that another one uses is left to edit by hand.
    for new, old in re.findall("by hand: .*: write `Name (\\w+)` for `Name (\\w+)`", to_do):
        files = {file: text.replace(f'"{old}"', f'"{new}"') for file, text in files.items()}
    if not any(files.values()):
        not_started(name, "nothing is written, as it cannot be read")
    way, started = whole.made(path, files, aws, docker)
    if started is None or not started.ours:
        why = way if started is None else whole.why_no_output(files)
        way, started = f"by its outputs alone: {way}", extracted(path, files, aws)
        if not started.ours:
            not_started(name, f"it has no whole output of the plugins here ({why})")
    if started.name.endswith(".yaml") and version() < (2, 0, 0):
        not_started(name, "this Fluent Bit reads no such YAML")
    arguments = {"env": started.env, "name": started.name}
    with Router(os.environ["FLUENT_BIT"], directory, started.config, **arguments) as fluent_bit:
        if 1 in statuses:
            wait_for(lambda: fluent_bit.process.poll() is not None, lambda: f"it has started: {fluent_bit.lines()}")
            assert fluent_bit.process.returncode != 0, fluent_bit.lines()
            WRITTEN.append(("refused at the start, as the status says", name))
            return
        started.feed(docker)
        wait_for(lambda: delivered(aws, started.ours), lambda: f"{started.ours}: {aws.summary()}: {fluent_bit.lines()}")
    WRITTEN.append((way, name))


def to_add(file):
    """What the tool says is to be added to a manifest by hand."""
    found = re.search(r"add this to the manifest:\n((?: {4}.*\n)+)", migrate(file)[1])
    return textwrap.dedent(found[1]) if found else ""


def version():
    said = subprocess.run([os.environ["FLUENT_BIT"], "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.search(r"v(\d+)\.(\d+)\.(\d+)", said).groups()))


def delivered(aws, ours):
    """Whether each output has delivered: to its group or delivery stream, where these are no template."""
    summary = aws.summary()
    counts = {kind: sum(KINDS[output["name"]] == kind for output in ours) for kind in set(KINDS.values())}
    is_enough = all(summary[f"{kind}_total"]["count"] >= count for kind, count in counts.items())
    targets = [output.get("log_group_name", output.get("awslogs-group", output.get("delivery_stream", output.get("stream", "$")))) for output in ours]
    groups = {name for name, streams in summary["events"].items() if any(it and it["count"] for it in streams.values())}
    reached = groups | {name for kind in ("records", "kinesis") for name, it in summary[kind].items() if it["count"]}
    return is_enough and all("$" in target or target in reached for target in targets)


def not_started(name, why):
    WRITTEN.append((f"not started: {why}", name))
    pytest.skip(why)


def extracted(path, files, aws):
    """The outputs by themselves, with a record in front of each."""
    if path.is_dir():
        # A file of Terraform may use what another one has.
        texts = [(path / "all.tf", "\n".join(text for file, text in files.items() if file.endswith(".tf")))]
        texts += [(path / file, text) for file, text in files.items() if not file.endswith(".tf")]
    else:
        texts = [(path, text) for text in files.values()]
    found = [lower(options) for file, text in texts for options in outputs(file, text)]
    # Of options that were read in part one may lack what the plugin needs.
    needed = {"cloudwatch": {"log_group_name", "awslogs-group"}, "firehose": {"delivery_stream"}, "kinesis": {"stream"}}
    ours = [options for options in found if needed.get(options.get("name"), set()) & options.keys()]
    parts = ["[SERVICE]\n    Flush 0.2\n    Grace 5\n"]
    for index, options in enumerate(ours):
        tag = f"web-firelens-{index}"
        parts.append(f'[INPUT]\n    Name dummy\n    Samples 1\n    Dummy {{"log":"{index}"}}\n    Tag {tag}\n')
        parts.append(section(options, tag, aws))
    return whole.Started("\n".join(parts), aws, [{"name": options["name"]} for options in ours])


def section(options, tag, aws):
    known = {key: "known" if isinstance(value, dict) else re.sub(r"\$\{[^}]*\}", "known", str(value)) for key, value in options.items()}
    known = {key: "true" if value == "True" else "false" if value == "False" else value for key, value in known.items()}
    kept = {key: value for key, value in known.items() if key.lower() not in OF_THE_PLACE}
    kept |= {"match": tag, "region": "us-east-1", "endpoint": aws.url}
    if kept["name"] == "cloudwatch":
        # Most groups are made by the template that has the task.
        kept |= {"auto_create_group": "true", "sts_endpoint": aws.url}
        kept.pop("awslogs-create-group", None)
    if "role_arn" in kept and not kept["role_arn"].startswith("arn:"):
        del kept["role_arn"]
    return "[OUTPUT]\n" + "".join(f"    {key} {value}\n" for key, value in kept.items())
