"""A crash of Fluent Bit 1.x itself when SIGTERM comes while a sender closes its connection.

At SIGTERM the main thread frees the connections of the forward input. The engine's thread reads from
the same connections meanwhile, without a lock. When a sender closes one at this moment, either thread
may use a connection that the other one has freed. The same happens with the output `null` and without
the plugins.
"""

import re
import signal

KNOWN_FRAMES = [
    ["fw_conn_event", "flb_engine_start"],
    ["fw_conn_del_all", "flb_input_pause_all"],
]
"""Where it crashes: in the engine's thread, or in the main thread."""


def is_forward_crash(status, log):
    """Whether Fluent Bit ended with this status and this log, without colours, because of that crash."""
    lines = log.splitlines()
    return (
        status == -signal.SIGABRT
        and any(line.startswith("Fluent Bit v1.") for line in lines)
        and crashed_while_pausing(lines)
        and frames(lines)[:2] in [[], *KNOWN_FRAMES]
    )


def crashed_while_pausing(lines):
    """Whether between SIGTERM and SIGSEGV inputs were paused, a forward input last, and nothing else
    was logged."""
    signals = [number for number, line in enumerate(lines) if "caught signal (" in line]
    if len(signals) != 2:
        return False
    term, crash = signals
    paused = lines[term + 1:crash]
    return (
        "(SIGTERM)" in lines[term]
        and "(SIGSEGV)" in lines[crash]
        and all("[input] pausing " in line for line in paused)
        and any("[input] pausing forward." in line for line in paused[-1:])
    )


def frames(lines):
    """The functions of the backtrace; a build without backtraces prints none."""
    found = (re.match(r"#\d+\s+0x[0-9a-f]+\s+in\s+(\S+)\(\)", line) for line in lines)
    return [frame[1] for frame in found if frame]
