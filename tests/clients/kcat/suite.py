"""kcat, the command line client on librdkafka, against a broker. It has no admin calls: topics are made by producing."""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_harness"))

import harness  # noqa: E402
from harness import BOOTSTRAP, equal, holds, name, test, tests_for  # noqa: E402


def kcat(*arguments, text=None, check=True, timeout=40):
    done = subprocess.run(["kcat", "-b", BOOTSTRAP, *arguments], input=text, text=True, capture_output=True, timeout=timeout,
                          check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"kcat {' '.join(arguments)}: exit {done.returncode}: {done.stderr[-1500:]}")
    return done


def produce(topic, text, *arguments):
    kcat("-P", "-t", topic, *arguments, text=text)


def consume(topic, *arguments):
    """The lines that kcat prints up to the end of the topic."""
    return kcat("-C", "-t", topic, "-e", "-q", *arguments).stdout.splitlines()


def lines(count, stem="value "):
    return [f"{stem}{i}" for i in range(count)]


@tests_for(["none", "gzip", "snappy", "lz4", "zstd"], "compression")
def compression(codec):
    topic = name(f"compression-{codec}")
    sent = lines(500, "a text that repeats, repeats, repeats ")
    produce(topic, "\n".join(sent), "-p", "0", "-z", codec)
    equal(consume(topic, "-p", "0"), sent, "lines")


@test
def keys_headers_and_partitions():
    topic = name("keys")
    produce(topic, "k1=v1\nk2=v2\n", "-K", "=", "-p", "0", "-H", "trace=abc", "-H", "empty=")
    equal(consume(topic, "-p", "0", "-f", "%p %o %k %s %h\n"),
          ["0 0 k1 v1 trace=abc,empty=", "0 1 k2 v2 trace=abc,empty="], "partition, offset, key, value, headers")


@test
def null_and_empty_keys_and_values():
    topic = name("null")
    produce(topic, "k:\n:v\n:\n", "-K", ":", "-Z", "-p", "0")
    found = [json.loads(line) for line in consume(topic, "-p", "0", "-J")]
    equal([(record["key"], record["payload"]) for record in found], [("k", None), (None, "v"), (None, None)], "null fields")
    produce(topic, "k:\n", "-K", ":", "-p", "0")
    equal(consume(topic, "-p", "0", "-o", "-1", "-f", "%K %S\n"), ["1 0"], "an empty value is not a null one")


@test
def offsets_by_time():
    topic = name("times")
    produce(topic, "\n".join(lines(10)), "-p", "0")
    times = [json.loads(line)["ts"] for line in consume(topic, "-p", "0", "-J")]
    equal(len(times), 10, "records")
    found = kcat("-Q", "-t", f"{topic}:0:{times[0]}", "-J").stdout
    equal(json.loads(found)[topic]["0"]["offset"], times.index(times[0]), "offset of the first time")
    found = kcat("-Q", "-t", f"{topic}:0:{times[-1] + 3600000}", "-J").stdout
    equal(json.loads(found)[topic]["0"]["offset"], -1, "offset after the last time")
    equal(consume(topic, "-p", "0", "-o", "7"), lines(10)[7:], "from offset 7")
    equal(consume(topic, "-p", "0", "-o", "-2"), lines(10)[-2:], "the last two")
    equal(consume(topic, "-p", "0", "-o", f"s@{times[0]}")[0], "value 0", "from a time")


@test
def big_record():
    topic = name("big")
    produce(topic, "b" * 990000, "-p", "0")
    equal([len(line) for line in consume(topic, "-p", "0")], [990000], "length")


@test
def record_above_the_limit_is_refused():
    topic = name("too-big")
    produce(topic, "small", "-p", "0")
    done = kcat("-P", "-t", topic, "-p", "0", "-X", "message.max.bytes=4000000", text="x" * 2000000, check=False)
    holds("Message size too large" in done.stderr, f"'Message size too large', not {done.stderr[-300:]!r}")
    equal(consume(topic, "-p", "0"), ["small"], "records")


@test
def metadata():
    topic = name("metadata")
    produce(topic, "v")
    listed = json.loads(kcat("-L", "-J").stdout)
    holds(topic in [entry["topic"] for entry in listed["topics"]], "the topic in the list")
    holds(listed["brokers"] and listed["controllerid"] >= 0, "brokers and a controller")
    holds(all(part["leader"] >= 0 for entry in listed["topics"] for part in entry["partitions"]), "a leader everywhere")


@test
def idempotent_and_transactional_producer():
    topic = name("transactional")
    produce(topic, "\n".join(lines(100)), "-p", "0", "-X", "enable.idempotence=true")
    produce(topic, "\n".join(lines(100, "in a transaction ")), "-p", "0", "-X", f"transactional.id={name('kcat')}")
    equal(consume(topic, "-p", "0", "-X", "isolation.level=read_committed"), lines(100) + lines(100, "in a transaction "), "lines")


@test
def group_goes_on_where_it_stopped():
    topic, group = name("group"), name("group")
    for _ in range(2):
        produce(topic, "\n".join(lines(50)), "-p", "0")
        done = kcat("-G", group, "-q", "-c", "50", "-X", "auto.offset.reset=earliest", topic)
        equal(done.stdout.splitlines(), lines(50), "lines of the group")


@test
def group_of_two_shares_the_work():
    topic, group = name("two"), name("two")
    produce(topic, "v0", "-p", "0")
    members = [subprocess.Popen(["kcat", "-b", BOOTSTRAP, "-G", group, "-q", "-u", "-X", "auto.offset.reset=earliest",
                                 "-X", "heartbeat.interval.ms=300", topic], stdout=subprocess.PIPE, text=True)
               for _ in range(2)]
    try:
        # Whoever has the partition prints; the other one takes over when it is gone.
        owner = _first_to_print(members)
        equal(owner.stdout.readline(), "v0\n", "what the owner reads")
        owner.terminate()
        owner.wait(20)
        other = members[1 - members.index(owner)]
        produce(topic, "v1", "-p", "0")
        seen = ""
        while "v1" not in seen:
            line = other.stdout.readline()
            holds(line, "the other member to go on")
            seen += line
    finally:
        for member in members:
            member.kill()
            member.wait()
            member.stdout.close()


def _first_to_print(members):
    import select
    ready, _, _ = select.select([member.stdout for member in members], [], [], 40)
    holds(ready, "one of two members to read")
    return next(member for member in members if member.stdout in ready)


if __name__ == "__main__":
    os.environ.setdefault("SUITE", "kcat")
    harness.main()
