"""Runs an application's job on a broker and compares what its topics hold with what a reference program expects."""

import collections
import json
import math
import pathlib
import subprocess
import tempfile

from leat_process import BIN, SOURCE

JOBS = SOURCE / "config/jobs"
DATA = SOURCE / "config/data"


def pieces_of(items, count):
    size = len(items) // count + 1
    return [items[i:i + size] for i in range(0, len(items), size)]


def produce(broker, topic, lines, *arguments, kills=0):
    """Sends the lines, a header row of CSV first where `--input-format csv` stands. The daemon is killed by SIGKILL and started
    again behind each of so many pieces."""
    header = lines[:1] if "csv" in arguments else []
    for piece in pieces_of(lines[len(header):], max(kills, 1)):
        broker.leat("produce", topic, *arguments, text_input="".join(header + piece))
        if kills:
            broker.kill()
            broker.start()


def wait_until_read(broker, job, *topics):
    """Returns when the job has committed every record of the topics: asks the broker, which long-polls for us."""
    for topic in topics:
        broker.leat("lag", "--group", job, "--topic", topic, "--wait", "--timeout", "120s")


def values(broker, topic):
    """The committed values, in the order of each partition."""
    found = broker.leat("consume", topic, "--from-beginning", "--exit-at-end", "--format", "%v\\n").stdout
    return [json.loads(line) for line in found.splitlines()]


def table(broker, topic):
    """The last value of each key of a compacted topic; what was deleted is not in it."""
    found = broker.leat("consume", topic, "--from-beginning", "--exit-at-end", "--format", "%k\\t%v\\n").stdout
    last = dict(line.split("\t", 1) for line in found.splitlines())
    return [json.loads(value) for value in last.values() if value]


def _split(row):
    """(what must be equal, the numbers that only have to be close)"""
    close = {name: value for name, value in row.items() if isinstance(value, float)}
    exact = {name: value for name, value in row.items() if name not in close}
    return json.dumps(exact, sort_keys=True), tuple(close[name] for name in sorted(close))


def assert_same_rows(test, topic, found, expected):
    """As multisets; floats may differ by rounding."""
    found, expected = sorted(map(_split, found)), sorted(map(_split, expected))
    missing = collections.Counter(row for row, _ in expected) - collections.Counter(row for row, _ in found)
    extra = collections.Counter(row for row, _ in found) - collections.Counter(row for row, _ in expected)
    test.assertFalse(missing or extra, f"{topic}: missing {len(missing)}: {list(missing.items())[:3]}; not expected {len(extra)}: "
                     f"{list(extra.items())[:3]}")
    for (row, mine), (_, theirs) in zip(found, expected):
        test.assertEqual(len(mine), len(theirs), row)
        for a, b in zip(mine, theirs):
            test.assertTrue(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9), f"{topic}: {row}: got {mine}, expected {theirs}")


def assert_sound(test, broker, job, dead=0):
    """The job runs, and put so many rows aside."""
    described = broker.json("job", "describe", job)
    test.assertEqual(described["state"], "RUNNING", described["error"])
    topics = [topic["name"] for topic in broker.json("topic", "list")]
    found = values_of_dead(broker, job) if f"{job}-dlq" in topics else []
    test.assertEqual(len(found), dead, found[:3])


def values_of_dead(broker, job):
    return broker.leat("consume", f"{job}-dlq", "--from-beginning", "--exit-at-end", "--format", "%v %h\\n").stdout.splitlines()


def datagen(*arguments):
    """(the lines, what was planted) of `leat datagen`."""
    with tempfile.TemporaryDirectory(prefix="leat-e2e-") as folder:
        done = subprocess.run([str(BIN / "leat"), "datagen", *arguments, "--truth", f"{folder}/truth"], text=True, capture_output=True,
                              check=True)
        truth = pathlib.Path(folder, "truth").read_text(encoding="utf-8").splitlines()
    return done.stdout.splitlines(keepends=True), [json.loads(line) for line in truth]
