"""Runs Kafka's command line tools, each as the Java class that its shell script starts."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_harness"))

from harness import BOOTSTRAP, name  # noqa: E402

_HERE = Path(__file__).resolve().parent
_JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
         f"-Dlog4j2.configurationFile={_HERE / 'log4j2.xml'}", "-cp", f"{os.environ.get('CACHE', '.')}/lib/*"]


def run(main_class, *arguments, text=None, check=True):
    """What the tool printed, both streams."""
    done = subprocess.run([*_JAVA, main_class, *(str(word) for word in arguments)], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=60, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{main_class} {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


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
    found = tool("consumer.ConsoleConsumer", "--topic", topic, "--from-beginning", "--max-messages", count,
                 "--timeout-ms", 20000, *arguments)
    return [line for line in found.splitlines() if not line.startswith("Processed a total of")]


def row(text, *words):
    """The words of the first line that has all of these."""
    for line in text.splitlines():
        if all(word in line.split() for word in words):
            return line.split()
    raise AssertionError(f"expected a line with {words}, got {text[-1500:]}")
