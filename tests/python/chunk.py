"""Chunks as Fluent Bit hands them to an output, written by a msgpack that is not ours."""

import struct

import msgpack


def event_time(seconds):
    """EventTime: ext type 0, seconds and nanoseconds."""
    whole, nanos = divmod(round(seconds * 1_000_000) * 1000, 1_000_000_000)
    return msgpack.ExtType(0, struct.pack(">II", whole, nanos))


def chunk(events, form="v2"):
    """`(time, record)` pairs as a chunk: v1 is before Fluent Bit 2.1.0, v2 since."""
    head = {"v1": lambda time: time, "v2": lambda time: [time, {}]}[form]
    records = ([head(event_time(time)), record] for time, record in events)
    return b"".join(msgpack.packb(record) for record in records)
