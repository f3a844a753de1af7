"""Runs one suite as a process group of its own, within its time limit, and judges it by its last line."""

import os
import re
import signal
import subprocess
import threading
import uuid

_LAST_LINE = re.compile(r"^(\d+) passed, (\d+) failed$")


def environment(suite, broker, options):
    return {
        **os.environ,
        "BOOTSTRAP": broker.bootstrap,
        "ONLY": options.only,
        # Topics and groups carry it, so that a suite can run twice against one broker.
        "RUN_ID": uuid.uuid4().hex[:8],
        "SUITE": suite.name,
        "LOG_DIR": str(broker.log_dir or ""),
        "CACHE": str(suite.cache),
        "PYTHONDONTWRITEBYTECODE": "1",
        **suite.environment(),
    }


def run(suite, broker, options):
    """True when the suite ended by itself, said 'N passed, 0 failed' and passed at least one test."""
    process = subprocess.Popen(suite.command(), cwd=suite.work_dir(), env=environment(suite, broker, options), text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               errors="replace", start_new_session=True)
    overdue = threading.Event()

    def end_it():
        overdue.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(options.time_limit, end_it)
    timer.start()
    counts = None
    for line in process.stdout:
        match = _LAST_LINE.match(line.strip())
        if match:
            counts = [int(number) for number in match.groups()]
        else:
            print(f"  {line.rstrip()}", flush=True)
    code = process.wait()
    timer.cancel()
    return verdict(suite.name, counts, code, overdue.is_set(), broker, options)


def verdict(name, counts, code, overdue, broker, options):
    if overdue:
        print(f"{name}: stopped after {options.time_limit} s, which no suite may take")
    elif counts is None:
        print(f"{name}: ended with {code} before it had counted its tests")
    passed, failed = counts or (0, 1)
    good = not overdue and code == 0 and failed == 0 and passed > 0
    if not good:
        print(broker.log_tail())
    print(f"{name}: {passed} passed, {failed} failed", flush=True)
    return good
