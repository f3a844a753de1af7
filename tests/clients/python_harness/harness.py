"""Runs the tests of a Python suite: names for this run, the checks, and the count in the last line."""

import asyncio
import inspect
import os
import re
import sys
import time
import traceback

BOOTSTRAP = os.environ.get("BOOTSTRAP", "127.0.0.1:9092")
_TESTS = []


def test(function):
    """Makes the function a test. It may be a coroutine function."""
    _TESTS.append((function.__name__, function))
    return function


def tests_for(values, stem):
    """One test for each value, named `stem`_value."""

    def add(function):
        for value in values:
            _TESTS.append((f"{stem}_{value}", lambda value=value: function(value)))
        return function

    return add


def name(stem):
    """Unique to this run: topics, groups and transactional ids."""
    return f"{os.environ.get('SUITE', 'py')}-{stem}-{os.environ.get('RUN_ID', '0')}"


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {_short(expected)}, got {_short(found)}")


def holds(condition, what):
    if not condition:
        raise AssertionError(f"expected {what}")


def _short(value):
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}... ({len(text)} characters)"


class Deadline:
    """For loops that poll: `while deadline.holds("..."):` ends the test when the time is over."""

    def __init__(self, seconds=40):
        self.end = time.monotonic() + seconds

    def holds(self, what):
        if time.monotonic() > self.end:
            raise AssertionError(f"expected {what}, and it did not happen in time")
        return True


def main():
    pattern = re.compile(os.environ.get("ONLY", ""))
    passed = failed = 0
    for title, function in _TESTS:
        if not pattern.search(title):
            continue
        start = time.monotonic()
        try:
            if inspect.isawaitable(waiting := function()):
                asyncio.run(_await(waiting))
            print(f"ok {title} ({(time.monotonic() - start) * 1000:.0f} ms)", flush=True)
            passed += 1
        except Exception as error:  # whatever a client raises is a failed test
            print(f"FAILED {title}: {type(error).__name__}: {error}", flush=True)
            for frame in traceback.extract_tb(error.__traceback__)[-4:]:
                print(f"    at {frame.filename}:{frame.lineno}: {frame.line}", flush=True)
            failed += 1
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.stdout.flush()
    # Threads of a client that would not end must not keep the suite alive.
    os._exit(1 if failed else 0)


async def _await(waiting):
    return await asyncio.wait_for(waiting, 60)
