"""What Fluent Bit's own metrics endpoint shows, and what the stand-in saw of the same."""

import re
import urllib.error
import urllib.request
from collections import Counter, defaultdict

from patience import wait_for
from router import free_port

PREFIX = "fluentbit_output_aws_"

COPIES_ALL_BUCKETS = (4, 0, 0)
"""Earlier hosts leave a histogram's last bucket out of the copy that they show (`cat_histogram_values`)."""

SHOWN_SINCE = (2, 2, 0)
"""Earlier hosts have no way for a plugin to reach their metrics."""

RESULTS = {
    "ThrottlingException": "throttled",
    "ProvisionedThroughputExceededException": "throttled",
    "ServiceUnavailableException": "throttled",
    "AccessDeniedException": "denied",
    "ResourceNotFoundException": "missing",
    "ResourceAlreadyExistsException": "exists",
    "InvalidParameterException": "refused",
}


class Endpoint:
    """The HTTP server of a router."""

    def __init__(self):
        self.port = free_port()
        self.service = {"HTTP_Server": "On", "HTTP_Listen": "127.0.0.1", "HTTP_Port": self.port}
        self.url = f"http://127.0.0.1:{self.port}/api/v2/metrics/prometheus"

    def text(self):
        """What the host shows. It answers 404 while it has no copy of its metrics: before the first,
        and for a second when it made a new one while the last one was read (`flb_hs_buf_set`)."""
        found = []

        def answered():
            try:
                with urllib.request.urlopen(self.url, timeout=10) as answer:
                    found.append(answer.read().decode())
            except urllib.error.HTTPError as problem:
                assert problem.code == 404, problem
            except urllib.error.URLError as problem:
                assert isinstance(problem.reason, ConnectionRefusedError), problem
            return found

        wait_for(answered, "an endpoint that answers")
        return found[0]

    def metrics(self, name):
        """The series of one output, by name and labels: `{name: {(value, …): number}}`."""
        found = defaultdict(dict)
        for line in self.text().splitlines():
            if match := re.fullmatch(PREFIX + r"(\w+)\{(.*)\} (\S+)", line):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2]))
                if labels.pop("name") == name:
                    found[match[1]][tuple(labels.values())] = float(match[3])
        return found

    def wait_for(self, name, condition, what):
        """The metrics of an output, once they are so; the host makes a copy every few seconds."""
        found = {}

        def holds():
            found.update(metrics=self.metrics(name))
            return condition(found["metrics"])

        wait_for(holds, lambda: f"{what}: {found}", patience=30, every=0.2)
        return found["metrics"]


def not_zero(series):
    return {labels: number for labels, number in series.items() if number}


def requests(calls):
    """Calls as the stand-in saw them, by operation and the result that they must be counted as."""
    return dict(Counter((call["operation"], result(call)) for call in calls))


def result(call):
    if call["status"] is None:
        return "unanswered"
    if call["status"] == 200:
        return "ok"
    return RESULTS.get(call["code"], "error")
