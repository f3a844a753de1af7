"""Kafka's own command line tools against a broker."""

import json
import os
import re
import tempfile
from pathlib import Path

from tool import BOOTSTRAP, configs, consume, create, groups, name, produce, row, run, tool, topics

import harness
from harness import equal, holds, test


def lines(count, stem="value "):
    return [f"{stem}{i}" for i in range(count)]


@test
def kafka_topics():
    topic = create("topics", 3, "--config", "retention.ms=3600000")
    holds(topic in topics("--list").split(), "the topic in the list")
    described = topics("--describe", "--topic", topic)
    holds(re.search(r"PartitionCount: 3\b", described), f"three partitions in {described!r}")
    holds("retention.ms=3600000" in described, f"its config in {described!r}")
    equal(len(re.findall(r"Leader: (\d+)\s+Replicas: \1\s+Isr: \1\b", described)), 3, "leaders that have the only replica, in sync")
    topics("--alter", "--topic", topic, "--partitions", 5)
    holds("PartitionCount: 5" in topics("--describe", "--topic", topic), "five partitions")
    topics("--delete", "--topic", topic)
    holds(topic not in topics("--list").split(), "the topic to be gone")
    holds("does not exist" in topics("--describe", "--topic", topic, check=False), "an error for a topic that is gone")


@test
def kafka_configs():
    topic = create("configs")
    entity = ("--entity-type", "topics", "--entity-name", topic)
    configs("--alter", *entity, "--add-config", "retention.ms=7200000,cleanup.policy=[compact,delete]")
    described = configs("--describe", *entity)
    holds("retention.ms=7200000" in described and "cleanup.policy=compact,delete" in described, f"both in {described!r}")
    configs("--alter", *entity, "--delete-config", "cleanup.policy")
    described = configs("--describe", *entity)
    holds("cleanup.policy" not in described and "retention.ms=7200000" in described, f"one in {described!r}")
    holds("segment.bytes=" in configs("--describe", "--all", *entity), "all configs with --all")
    of_broker = configs("--describe", "--all", "--entity-type", "brokers", "--entity-name", broker_id())
    for config in ("producer.id.expiration.ms=86400000", "transactional.id.expiration.ms=604800000",
                   "transaction.max.timeout.ms=900000"):
        holds(config in of_broker, f"{config} in {of_broker[-1500:]!r}")
    refused = configs("--alter", *entity, "--add-config", "retention.ms=soon", check=False)
    holds("InvalidConfigurationException" in refused, f"an InvalidConfigurationException, not {refused[-300:]!r}")


@test
def kafka_console_producer_and_consumer():
    topic = create("console")
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        produce(topic, [f"k:{codec} {line}" for line in lines(20)], "--compression-codec", codec,
                "--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    found = consume(topic, 100, "--formatter-property", "print.key=true", "--formatter-property", "print.partition=true")
    equal(len(found), 100, "lines")
    equal(found[0].split("\t")[-2:], ["k", "none value 0"], "key and value")
    equal(found[-1].split("\t")[-1], "zstd value 19", "last value")


@test
def kafka_console_consumer_in_a_group():
    topic, group = create("group", 2), name("group")
    produce(topic, lines(30))
    equal(len(consume(topic, 30, "--group", group)), 30, "lines")
    found = groups("--describe", "--group", group)
    equal(sum(int(line.split()[3]) for line in found.splitlines() if topic in line.split()), 30, "committed offsets")
    holds(group in groups("--list").split(), "the group in the list")
    equal(row(groups("--describe", "--group", group, "--state"), group)[-2:], ["Empty", "0"], "state and members")
    groups("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute")
    found = groups("--describe", "--group", group)
    equal(sum(int(line.split()[5]) for line in found.splitlines() if topic in line.split()), 30, "lag after a reset")
    groups("--reset-offsets", "--group", group, "--topic", topic, "--to-datetime", "2035-01-01T00:00:00.000", "--execute")
    found = groups("--describe", "--group", group)
    equal(sum(int(line.split()[5]) for line in found.splitlines() if topic in line.split()), 0, "lag after a reset to a time")
    groups("--delete-offsets", "--group", group, "--topic", topic)
    groups("--delete", "--group", group)
    holds(group not in groups("--list").split(), "the group to be gone")


@test
def kafka_get_offsets():
    topic = create("get-offsets", 2)
    produce(topic, lines(10))
    found = tool("GetOffsetShell", "--topic", topic)
    equal(sum(int(line.split(":")[2]) for line in found.split() if line.startswith(topic)), 10, "end offsets")
    for time, expected in (("earliest", 0), ("latest", 10), ("-1", 10), ("-2", 0)):
        found = tool("GetOffsetShell", "--topic", topic, "--time", time)
        equal(sum(int(line.split(":")[2]) for line in found.split() if line.startswith(topic)), expected, time)
    found = tool("GetOffsetShell", "--topic", topic, "--time", "max-timestamp")
    holds(f"{topic}:" in found, f"an offset for the largest time, not {found!r}")


@test
def kafka_delete_records():
    topic = create("delete-records")
    produce(topic, lines(10))
    file = Path(os.environ["CACHE"]) / f"delete-{topic}.json"
    file.write_text('{"partitions": [{"topic": "%s", "partition": 0, "offset": 6}], "version": 1}' % topic)
    found = tool("DeleteRecordsCommand", "--offset-json-file", file)
    file.unlink()
    holds("low_watermark: 6" in found, f"a low watermark of 6, not {found!r}")
    equal(consume(topic, 4), lines(10)[6:], "what is left")


@test
def kafka_transactions():
    topic = create("transactions")
    found = tool("ProducerPerformance", "--topic", topic, "--num-records", 500, "--record-size", 100, "--throughput", -1,
                 "--transactional-id", name("perf"), "--transaction-duration-ms", 50)
    holds("500 records sent" in found, f"500 records sent, not {found[-300:]!r}")
    equal(row(tool("TransactionsCommand", "list"), name("perf"))[3:], ["CompleteCommit"], "state of the transaction")
    found = tool("TransactionsCommand", "describe", "--transactional-id", name("perf"))
    holds("CompleteCommit" in found, f"its description, not {found!r}")
    found = tool("TransactionsCommand", "describe-producers", "--topic", topic, "--partition", 0)
    holds("ProducerId" in found and len(found.splitlines()) == 2, f"one producer, not {found!r}")
    tool("TransactionsCommand", "find-hanging", "--broker-id", broker_id())
    equal(len(consume(topic, 500, "--isolation-level", "read_committed")), 500, "committed records")


@test
def kafka_transactions_aborts_one_that_hangs():
    topic = create("hanging")
    produce(topic, ["before"])
    run("OpenTransaction", BOOTSTRAP, topic, name("hanging"), "in the transaction")
    produce(topic, ["behind"])
    described = tool("TransactionsCommand", "describe-producers", "--topic", topic, "--partition", 0)
    open_since = {line.split()[-1] for line in described.splitlines()[1:]} - {"None"}
    equal(open_since, {"1"}, f"where the open transaction begins, in {described!r}")
    refused = tool("TransactionsCommand", "abort", "--topic", topic, "--partition", 0, "--start-offset", 2, check=False)
    holds("Could not find any open transactions starting at offset 2" in refused, f"a refusal, not {refused[-300:]!r}")
    tool("TransactionsCommand", "abort", "--topic", topic, "--partition", 0, "--start-offset", 1)
    described = tool("TransactionsCommand", "describe-producers", "--topic", topic, "--partition", 0)
    equal({line.split()[-1] for line in described.splitlines()[1:]}, {"None"}, f"open transactions in {described!r}")
    equal(consume(topic, 2, "--isolation-level", "read_committed"), ["before", "behind"], "committed records")
    # The producer itself is free to begin again.
    tool("ProducerPerformance", "--topic", topic, "--num-records", 10, "--record-size", 10, "--throughput", -1,
         "--transactional-id", name("hanging"), "--transaction-duration-ms", 50)
    equal(len(consume(topic, 12, "--isolation-level", "read_committed")), 12, "committed records")


@test
def kafka_perf_tests():
    topic = create("perf", 4)
    found = tool("ProducerPerformance", "--topic", topic, "--num-records", 20000, "--record-size", 200, "--throughput", -1,
                 "--command-property", "compression.type=lz4", "batch.size=32768")
    holds("20000 records sent" in found, f"20000 records sent, not {found[-300:]!r}")
    found = tool("ConsumerPerformance", "--topic", topic, "--num-records", 20000, "--timeout", 30000)
    equal(float(found.splitlines()[-1].split(",")[4]), 20000, "records read")


@test
def kafka_dump_log_reads_our_segments():
    topic = create("dump")
    produce(topic, lines(50), "--compression-codec", "zstd")
    produce(topic, lines(5, "plain "))
    folder = segments_of(topic)
    for file in sorted(folder.glob("*.log")):
        found = run("org.apache.kafka.tools.DumpLogSegments", "--files", file, "--deep-iteration", "--print-data-log")
        equal(len(re.findall(r"payload: ", found)), 55, f"records in {file}")
        holds("isvalid: true" in found and "isvalid: false" not in found, "valid batches")
        holds("compresscodec: zstd" in found, "a zstd batch")


def segments_of(topic):
    """The folder of the topic's first partition."""
    root = os.environ.get("LOG_DIR")
    holds(root, "the folder of the broker's data (tools/clients --log-dir)")
    # Kafka names the folder after the topic; Leat after the topic's id, which kafka-topics prints in base 64.
    topic_id = re.search(r"TopicId: (\S+)", topics("--describe", "--topic", topic)).group(1)
    names = {f"{topic}-0", topic_id, hexadecimal(topic_id)}
    for folder in [Path(root), *sorted(Path(root).rglob("*"))]:
        if folder.is_dir() and any(part in names or f"{part}" in names for part in folder.parts) and list(folder.glob("*.log")):
            return folder
    raise AssertionError(f"expected a folder of {topic} ({names}) with segments below {root}")


def hexadecimal(topic_id):
    import base64
    return base64.urlsafe_b64decode(topic_id + "==").hex()


def broker_id():
    return re.search(r"\(id: (\d+)", tool("BrokerApiVersionsCommand")).group(1)


@test
def kafka_broker_api_versions():
    found = tool("BrokerApiVersionsCommand")
    for api in ("Produce(0)", "Fetch(1)", "JoinGroup(11)", "EndTxn(26)"):
        holds(api in found, f"{api} in the list")


@test
def kafka_metadata_quorum():
    found = tool("MetadataQuorumCommand", "describe", "--status")
    holds(re.search(r"LeaderId:\s+\d+", found), f"a leader, not {found!r}")
    found = tool("MetadataQuorumCommand", "describe", "--replication")
    holds("Leader" in found, f"the leader's row, not {found!r}")


@test
def kafka_features():
    found = tool("FeatureCommand", "describe")
    holds("transaction.version" in found, f"transaction.version, not {found!r}")


@test
def kafka_log_dirs():
    topic = create("log-dirs")
    produce(topic, lines(10))
    found = tool("LogDirsCommand", "--describe", "--topic-list", topic)
    holds(re.search(r'"partition":\s*"%s-0","size":\s*[1-9]' % re.escape(topic), found), f"the size of its partition, not {found!r}")


@test
def kafka_leader_election():
    topic = create("election")
    found = tool("LeaderElectionCommand", "--election-type", "preferred", "--topic", topic, "--partition", 0)
    holds("Valid replica already elected" in found, f"nothing to elect, not {found!r}")


@test
def kafka_reassign_partitions():
    found = tool("reassign.ReassignPartitionsCommand", "--list")
    holds("No partition reassignments found" in found, f"no reassignments, not {found!r}")
    topic, here = create("moved"), int(broker_id())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        json.dump({"version": 1, "partitions": [{"topic": topic, "partition": 0, "replicas": [here]}]}, plan)
        plan.flush()
        file = ("--reassignment-json-file", plan.name)
        found = tool("reassign.ReassignPartitionsCommand", "--execute", *file)
        holds("Successfully started partition reassignment" in found, f"a start, not {found[-300:]!r}")
        found = tool("reassign.ReassignPartitionsCommand", "--verify", "--preserve-throttles", *file)
        holds("is completed" in found, f"its end, not {found[-300:]!r}")


@test
def kafka_acls():
    found = tool("AclCommand", "--list", check=False)
    holds("SecurityDisabledException" in found, f"SecurityDisabledException, not {found[-300:]!r}")


@test
def kafka_groups():
    topic, group = create("any-group"), name("any-group")
    produce(topic, lines(3))
    consume(topic, 3, "--group", group)
    equal(row(tool("GroupsCommand", "--list"), group)[1:3], ["Classic", "consumer"], "type and protocol")


if __name__ == "__main__":
    holds(BOOTSTRAP, "an address")
    harness.main()
