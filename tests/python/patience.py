"""Waiting for a condition, never for a time."""

import time


def wait_for(condition, what, patience=20, every=0.02):
    """The condition's first true value; fails when there is none in `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {patience} s for {what() if callable(what) else what}"
        time.sleep(every)
    return value
