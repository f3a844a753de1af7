"""Runs Kafka's command line tools: the Java classes that their shell scripts start."""

import base64
import os
import select
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_harness"))

from harness import BOOTSTRAP, name  # noqa: E402

_CACHE = os.environ.get("CACHE", ".")
_JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
         "-cp", f"{_CACHE}/classes:{_CACHE}/lib/*", "ToolServer"]
_server = None


def run(main_class, *arguments, text=None, check=True):
    """What the tool printed, both streams."""
    code, out, err = call(main_class, [str(word) for word in arguments], text or "")
    if check and code != 0:
        raise AssertionError(f"{main_class} {' '.join(map(str, arguments))}: exit {code}: {(out + err)[-1500:]}")
    return out + err


def call(main_class, arguments, text):
    """(exit code, standard output, standard error). One Java process runs all tools: starting one for each costs seconds."""
    global _server
    if _server is None:
        _server = subprocess.Popen(_JAVA, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    words = [main_class, text, *arguments]
    _server.stdin.write(" ".join(base64.b64encode(word.encode()).decode() or "-" for word in words) + "\n")
    _server.stdin.flush()
    ready, _, _ = select.select([_server.stdout], [], [], 50)
    if not ready:
        _server.kill()
        _server = None
        raise AssertionError(f"{main_class} {' '.join(arguments)}: expected it to end within 50 s")
    code, out, err = _server.stdout.readline().split(" ")
    return int(code), base64.b64decode(out).decode(errors="replace"), base64.b64decode(err).decode(errors="replace")


def tool(main_class, *arguments, **options):
    """A tool that takes --bootstrap-server."""
    return run(f"org.apache.kafka.tools.{main_class}", "--bootstrap-server", BOOTSTRAP, *arguments, **options)


def topics(*arguments, **options):
    return tool("TopicCommand", *arguments, **options)


def configs(*arguments, **options):
    return run("kafka.admin.ConfigCommand", "--bootstrap-server", BOOTSTRAP, *arguments, **options)


def groups(*arguments, **options):
    return tool("consumer.group.ConsumerGroupCommand", *arguments, **options)


def create(stem, partitions=1, *arguments):
    topic = name(stem)
    topics("--create", "--topic", topic, "--partitions", partitions, "--replication-factor", 1, *arguments)
    return topic


def produce(topic, lines, *arguments):
    tool("ConsoleProducer", "--topic", topic, *arguments, text="".join(f"{line}\n" for line in lines))


def consume(topic, count, *arguments):
    """The lines of the first `count` records."""
    words = ["--bootstrap-server", BOOTSTRAP, "--topic", topic, "--from-beginning", "--max-messages", str(count),
             "--timeout-ms", "20000", *arguments]
    _, out, err = call("org.apache.kafka.tools.consumer.ConsoleConsumer", words, "")
    found = out.splitlines()
    if len(found) < int(count):
        raise AssertionError(f"expected {count} lines of {topic}, got {len(found)}; {err[-1000:]}")
    return found


def row(text, *words):
    """The words of the first line that has all of these."""
    for line in text.splitlines():
        if all(word in line.split() for word in words):
            return line.split()
    raise AssertionError(f"expected a line with {words}, got {text[-1500:]}")
