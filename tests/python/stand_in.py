"""The AWS stand-in as a process of its own, asked and scripted over HTTP."""

import base64
import json
import os
import ssl
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from patience import wait_for


class StandIn:
    """CloudWatch Logs, Data Firehose and Kinesis Data Streams on a free port of this machine; over TLS, with a
    certificate that is written to a file, when there is a name for it."""

    def __init__(self, *arguments, certificate=None):
        if certificate:
            arguments = (*arguments, "--tls", "--cert-out", certificate)
        command = [Path(os.environ["TOOL_DIR"]) / "stand-in", "--until-input-ends", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        assert self.url, "the stand-in did not start"
        self.trust = ssl.create_default_context(cafile=certificate) if certificate else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def events(self, group, stream):
        """Events of a log stream by their times, as the service shows them: `(milliseconds, message)`."""
        events = self.ask("events", group=group, stream=stream)
        found = [(event["timestamp"], event["message"]) for event in events]
        return sorted(found, key=lambda event: event[0])

    def messages(self, group, stream):
        return [message for _, message in self.events(group, stream)]

    def records(self, stream):
        """Records of a delivery stream in the order stored."""
        return [base64.b64decode(record) for record in self.ask("records", stream=stream)]

    def kinesis(self, stream):
        """Records of a Kinesis data stream in the order stored: `partition_key`, `shard`, `data`."""
        records = self.ask("kinesis", stream=stream)
        return [record | {"data": base64.b64decode(record["data"])} for record in records]

    def calls(self, operation):
        return [call for call in self.ask("calls") if call["operation"] == operation]

    def summary(self):
        return self.ask("summary")

    def event_count(self):
        return self.summary()["events_total"]["count"]

    def record_count(self):
        return self.summary()["records_total"]["count"]

    def kinesis_count(self):
        return self.summary()["kinesis_total"]["count"]

    def wait_for_events(self, count, patience=20):
        wait_for(lambda: self.event_count() >= count, f"{count} events", patience)

    def wait_for_records(self, count, patience=20):
        wait_for(lambda: self.record_count() >= count, f"{count} records", patience)

    def wait_for_kinesis(self, count, patience=20):
        wait_for(lambda: self.kinesis_count() >= count, f"{count} records in Kinesis streams", patience)

    def script(self, *rules, **settings):
        """Adds failure rules, each `{"action": …}`; settings as the stand-in names them."""
        self.ask("script", body={"rules": rules, **settings})

    def heal(self):
        self.ask("clear", body={})

    def ask(self, what, body=None, **query):
        query = urllib.parse.urlencode(query)
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_stand-in/{what}?{query}", data, timeout=20, context=self.trust) as answer:
            return json.load(answer)


def error(operation, status, code):
    """A rule: every call of the operation fails, until it is cleared."""
    action = {"error": {"status": status, "code": code, "message": "as scripted"}}
    return {"operation": operation, "times": "forever", "action": action}


def hang(**which):
    """A rule: calls are never answered."""
    return {"times": "forever", "action": "hang", **which}
