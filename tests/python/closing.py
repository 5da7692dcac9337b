"""A pytest plugin: one closing line, `NAME: N passed, N failed, N skipped`."""

from collections import Counter


def pytest_addoption(parser):
    parser.addoption("--closing", default="tests", help="what the closing line begins with")


def pytest_configure(config):
    config.pluginmanager.register(Closing(config.getoption("--closing")))


class Closing:
    def __init__(self, name):
        self.name = name
        self.counts = Counter()

    def pytest_terminal_summary(self, terminalreporter):
        for outcome, reports in terminalreporter.stats.items():
            self.counts[outcome] += len(reports)

    def pytest_unconfigure(self):
        failed = self.counts["failed"] + self.counts["error"]
        passed, skipped = self.counts["passed"], self.counts["skipped"]
        print(f"{self.name}: {passed} passed, {failed} failed, {skipped} skipped")
