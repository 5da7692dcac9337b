"""Runs what is compared in turn, so that all of it shares the machine's moods, and writes the page."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

import page
from host import Service, lines, run
from outputs import JOBS, competitors

MEGABYTES = int(os.environ.get("MEGABYTES", 100))
ROUNDS = int(os.environ.get("ROUNDS", 5))
LATENCIES = (100, 500)
CONCURRENCIES = (1, 2, 4, 8, 10, 16)


def main():
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        source = directory / "log"
        count = lines(source, MEGABYTES)
        service = Service(directory)

        def once(job, which, **how):
            result = run(service, job, which, source, count, directory, **how)
            print(f"{job}, {which}, {how or 'at once'}: {result}", file=sys.stderr)
            return result

        try:
            found = {
                "megabytes": MEGABYTES,
                "records": count,
                "rounds": ROUNDS,
                "jobs": {job: in_turn(job, once) for job in JOBS},
                "waiting": {ms: waiting(ms, once) for ms in LATENCIES},
                "concurrency": {n: scaled(n, once) for n in CONCURRENCIES},
            }
        finally:
            service.end()
    page.write(found)


def in_turn(job, once):
    """The medians of each competitor; CPU and memory over those of `null`."""
    names = competitors(job)
    rounds = [{which: once(job, which) for which in names} for _ in range(ROUNDS)]

    def median(which, what):
        return statistics.median(getattr(results[which], what) for results in rounds)

    return {
        which: {
            "cpu": median(which, "cpu") - median("null", "cpu"),
            "memory": median(which, "memory") - median("null", "memory"),
            "wall": median(which, "wall"),
            "requests": median(which, "requests"),
        }
        for which in names
        if which != "null"
    }


def waiting(latency_ms, once):
    names = [which for which in competitors("whole record") if which != "null"]
    return {which: once("whole record", which, latency_ms=latency_ms).wall for which in names}


def scaled(concurrency, once):
    extra = f"    concurrency {concurrency}\n"
    return once("whole record", "ours", latency_ms=LATENCIES[0], extra=extra).wall


if __name__ == "__main__":
    main()
