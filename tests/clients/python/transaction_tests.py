"""Idempotence and transactions."""

from common import Admin, create_topic, make_consumer, make_producer, numbered, produce, read_all, read_committed, values
from harness import Deadline, equal, holds, name, test
from kafka import TopicPartition
from kafka.errors import KafkaError, ProducerFencedError
from kafka.structs import OffsetAndMetadata


def transactional(stem, **settings):
    producer = make_producer(transactional_id=name(stem), **settings)
    producer.init_transactions()
    return producer


def send(producer, topic, texts):
    for future in [producer.send(topic, value=text.encode(), key=text.encode()) for text in texts]:
        future.get(30)


def committed(topic, partitions=1):
    return sorted(values(read_committed(topic, partitions)))


@test
def idempotent_producer():
    topic = create_topic("idempotent", 3)
    produce(topic, numbered(1000), enable_idempotence=True, batch_size=500)
    equal(sorted(values(read_all(topic, 3))), sorted(numbered(1000)), "records")


@test
def transactions_committed_and_aborted():
    topic = create_topic("commit-and-abort", 3)
    producer = transactional("commit-and-abort")
    for i in range(3):
        producer.begin_transaction()
        send(producer, topic, numbered(20, f"kept {i} "))
        producer.commit_transaction()
        producer.begin_transaction()
        send(producer, topic, numbered(10, f"dropped {i} "))
        producer.abort_transaction()
    producer.close(10)
    kept = sorted(text for i in range(3) for text in numbered(20, f"kept {i} "))
    dropped = [text for i in range(3) for text in numbered(10, f"dropped {i} ")]
    equal(committed(topic, 3), kept, "read committed")
    equal(sorted(values(read_all(topic, 3))), sorted(kept + dropped), "read uncommitted")


@test
def open_transaction_hides_what_follows():
    topic = create_topic("open")
    part = TopicPartition(topic, 0)
    produce(topic, numbered(5, "before "))
    producer = transactional("open")
    producer.begin_transaction()
    send(producer, topic, numbered(5, "open "))
    produce(topic, numbered(5, "after "))
    consumer = make_consumer(isolation_level="read_committed")
    equal(consumer.end_offsets([part]), {part: 5}, "last stable offset")
    consumer.close()
    equal(values(read_all(topic, isolation_level="read_committed")), numbered(5, "before "), "read committed")
    with Admin() as admin:
        described = admin.describe_transactions([name("open")])[name("open")]
        equal(str(getattr(described.state, "name", described.state)).upper(), "ONGOING", "state of the transaction")
        equal(len(admin.describe_producers([part])[part].active_producers) >= 1, True, "producers on the partition")
        holds(name("open") in str(admin.list_transactions()), "the transaction in the list")
    producer.commit_transaction()
    producer.close(10)
    equal(len(committed(topic)), 15, "records after the commit")


@test
def consume_transform_produce():
    source, target, group = create_topic("copy-from"), create_topic("copy-to", 2), name("copy")
    produce(source, numbered(200))
    producer = transactional("copy")
    copied = rounds = 0
    while copied < 200:
        rounds += 1
        consumer = make_consumer(group_id=group, isolation_level="read_committed", max_poll_records=40)
        consumer.subscribe([source])
        records, deadline = [], Deadline()
        while not records:
            deadline.holds("records to copy")
            records = [record for found in consumer.poll(500).values() for record in found]
        producer.begin_transaction()
        send(producer, target, values(records))
        offsets = {TopicPartition(source, 0): OffsetAndMetadata(records[-1].offset + 1, "", -1)}
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        if rounds % 3 == 2:
            producer.abort_transaction()
        else:
            producer.commit_transaction()
            copied += len(records)
        consumer.close()
    producer.close(10)
    holds(rounds > 4, "several rounds")
    equal(committed(target, 2), sorted(numbered(200)), "each record copied once")


@test
def zombie_is_fenced():
    topic = create_topic("zombie")
    zombie = transactional("zombie")
    zombie.begin_transaction()
    send(zombie, topic, numbered(5, "zombie "))
    successor = transactional("zombie")
    successor.begin_transaction()
    send(successor, topic, numbered(5, "successor "))
    successor.commit_transaction()
    successor.close(10)
    try:
        send(zombie, topic, ["too late"])
        zombie.commit_transaction()
        raise AssertionError("expected the zombie to be fenced")
    except KafkaError as error:
        fenced = ("ProducerFencedError", "InvalidProducerEpochError", "KafkaError", "TransactionAbortedError")
        holds(isinstance(error, ProducerFencedError) or type(error).__name__ in fenced, f"a fenced producer, not {error!r}")
    finally:
        zombie.close(1)
    equal(committed(topic), sorted(numbered(5, "successor ")), "only the successor's records")
