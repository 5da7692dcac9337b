"""Writes what was measured into docs/performance.md, between its marks, and the charts beside it."""

import json
import os
import platform
import subprocess
from datetime import date
from pathlib import Path

from chart import bars, curves

PAGE = Path("docs/performance.md")
BEGIN, END = "<!-- measured by make bench-host -->\n", "<!-- end of what was measured -->\n"
GOALS = {"whole record": 0.60, "`log_key log`": 0.50, "Firehose": 0.50, "Kinesis": 0.50}
GO_GOAL = 0.10
MEMORY_GOAL_MB = 24
CRITERION = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "criterion"


def write(found):
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    parts = [machine(found), table(found), goals(found), waits(found), charts(found)]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(parts) + "\n" + END + after)


def machine(found):
    host = subprocess.run([os.environ["FLUENT_BIT"], "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    return (
        f"Measured on {date.today()}: {host}, {os.cpu_count()} processors ({model}), {platform.system()} "
        f"{platform.release()}; {found['megabytes']} MB of text in {found['records']:,} lines, the medians of "
        f"{found['rounds']} rounds.\n"
    )


def table(found):
    lines = [
        "| job | output | CPU, s | of C's | µs an event | memory, MB | requests |",
        "|---|---|---|---|---|---|---|",
    ]
    for job, results in found["jobs"].items():
        for which, result in results.items():
            share = result["cpu"] / results["C"]["cpu"]
            event = result["cpu"] / found["records"] * 1e6
            lines.append(
                f"| {job} | {which} | {result['cpu']:.2f} | {share:.2f} | {event:.2f} | {result['memory']:+.1f} "
                f"| {result['requests']:.0f} |"
            )
    return "\n".join(lines) + "\n"


def goals(found):
    lines = ["| goal | measured | |", "|---|---|---|"]

    def goal(text, measured, unit, met):
        lines.append(f"| {text} | {measured:.2f}{unit} | {'met' if met else 'missed'} |")

    for job, limit in GOALS.items():
        results = found["jobs"][job]
        share = results["ours"]["cpu"] / results["C"]["cpu"]
        goal(f"CPU of C's, {job}: at most {limit:.2f}", share, "", share <= limit)
        if "Go" in results:
            share = results["ours"]["cpu"] / results["Go"]["cpu"]
            goal(f"CPU of Go's, {job}: at most {GO_GOAL:.2f}", share, "", share <= GO_GOAL)
    for ms, walls in found["waiting"].items():
        share = walls["ours"] / walls["C"]
        goal(f"wall time of C's at {ms} ms: at most 1.00", share, "", share <= 1)
    for job in GOALS:
        results = found["jobs"][job]
        ours, native = results["ours"]["memory"], results["C"]["memory"]
        goal(f"memory over the host, {job}: at most {MEMORY_GOAL_MB} MB", ours, " MB", ours <= MEMORY_GOAL_MB)
        goal(f"memory over the host of C's, {job}: at most 1.00", ours / native, "", ours <= native)
    return "\n".join(lines) + "\n"


def waits(found):
    lines = ["| answer time | " + " | ".join(found["waiting"][100]) + " |", "|---|" + "---|" * len(found["waiting"][100])]
    for ms, walls in found["waiting"].items():
        lines.append(f"| {ms} ms | " + " | ".join(f"{wall:.1f} s" for wall in walls.values()) + " |")
    lines += ["", "| `concurrency`, at 100 ms | wall time |", "|---|---|"]
    lines += [f"| {number} | {wall:.1f} s |" for number, wall in found["concurrency"].items()]
    return "\n".join(lines) + "\n"


def charts(found):
    shares = {
        job: {which: result["cpu"] / results["C"]["cpu"] for which, result in results.items()}
        for job, results in found["jobs"].items()
    }
    Path("docs/performance-cpu.svg").write_text(bars("CPU per event, of the C plugin's", shares))
    text = "![CPU per event](performance-cpu.svg)\n"
    sizes = costs("line bytes"), costs("records a chunk")
    if all(sizes):
        Path("docs/performance-sizes.svg").write_text(
            curves([("ns a byte of the chunk, by the bytes of a line", sizes[0]), ("the same, by the records of a chunk", sizes[1])])
        )
        text += "\n![Cost by size](performance-sizes.svg)\n"
    return text


def costs(group):
    """Nanoseconds a byte of the chunk, of the last `make bench`."""
    found = {}
    for estimates in (CRITERION / group).glob("*/new/estimates.json"):
        benchmark = json.loads(estimates.with_name("benchmark.json").read_text())
        nanoseconds = json.loads(estimates.read_text())["mean"]["point_estimate"]
        found[int(benchmark["value_str"])] = nanoseconds / benchmark["throughput"]["ElementsAndBytes"]["bytes"]
    return dict(sorted(found.items()))
