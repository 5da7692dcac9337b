"""Which ends of a Fluent Bit are its own crash at SIGTERM, and which are not."""

import signal

import pytest
from forward_crash import is_forward_crash

START = "Fluent Bit v1.9.10\n[2026/11/28 01:08:17] [ info] [sp] stream processor started\n"
TERM = "[2026/11/28 01:08:18] [engine] caught signal (SIGTERM)\n"
PAUSING = "[2026/11/28 01:08:18] [ info] [input] pausing forward.0\n"
CRASH = "[2026/11/28 01:08:18] [engine] caught signal (SIGSEGV)\n"
STOPPED = "[2026/11/28 01:08:19] [ info] [engine] service has stopped (0 pending tasks)\n"
LIBRARY = "#2  0x5583692b6e8e      in  flb_lib_worker() at src/flb_lib.c:626\n"
IN_ENGINE = (
    "#0  0x5583692c5fb0      in  fw_conn_event() at plugins/in_forward/fw_conn.c:49\n"
    "#1  0x55836928877d      in  flb_engine_start() at src/flb_engine.c:854\n"
)
IN_MAIN = (
    "#0  0x5583692c6120      in  fw_conn_del_all() at plugins/in_forward/fw_conn.c:178\n"
    "#1  0x55836928a111      in  flb_input_pause_all() at src/flb_input.c:1042\n"
)
IN_A_PLUGIN = "#0  0x7f11692c6120      in  exit() at src/lib.rs:1\n"
ENDING = START + TERM + PAUSING + CRASH


@pytest.mark.parametrize("log", [
    ENDING,
    ENDING + IN_ENGINE + LIBRARY,
    ENDING + IN_MAIN + LIBRARY,
    START + TERM + PAUSING.replace("forward", "dummy") + PAUSING + CRASH,
])
def test_a_crash_of_a_closing_connection_is_known(log):
    assert is_forward_crash(-signal.SIGABRT, log)


@pytest.mark.parametrize("log", [
    "",
    START + TERM + PAUSING,
    START + TERM + CRASH,
    START + PAUSING + CRASH,
    START + PAUSING + TERM + CRASH,
    START + CRASH + PAUSING + TERM,
    START + TERM + PAUSING.replace("forward", "dummy") + CRASH,
    START + TERM + PAUSING + PAUSING.replace("forward", "dummy") + CRASH,
    START + TERM + PAUSING + STOPPED + CRASH,
    START + TERM + PAUSING + STOPPED + CRASH + IN_ENGINE,
    START + TERM + PAUSING + CRASH.replace("SEGV", "FPE"),
    ENDING + IN_A_PLUGIN + IN_ENGINE,
    ENDING + IN_ENGINE.splitlines(keepends=True)[0] + LIBRARY,
    ENDING + CRASH + IN_ENGINE,
    ENDING.replace("v1.9.10", "v2.0.0") + IN_ENGINE,
])
def test_any_other_end_is_not(log):
    assert not is_forward_crash(-signal.SIGABRT, log)


@pytest.mark.parametrize("status", [0, 1, -signal.SIGSEGV, -signal.SIGKILL])
def test_another_status_is_not(status):
    assert not is_forward_crash(status, ENDING + IN_ENGINE)
