"""Producers, consumers and topics for the tests of kafka-python."""

from harness import BOOTSTRAP, Deadline, name
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition


def make_producer(**settings):
    return KafkaProducer(**{"bootstrap_servers": BOOTSTRAP, "linger_ms": 2, **settings})


def make_consumer(**settings):
    return KafkaConsumer(**{"bootstrap_servers": BOOTSTRAP, "auto_offset_reset": "earliest", "enable_auto_commit": False,
                            "fetch_max_wait_ms": 100, **settings})


class Admin:
    """An admin client for a with statement."""

    def __enter__(self):
        self.client = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
        return self.client

    def __exit__(self, *_):
        self.client.close()


def create_topic(stem, partitions=1, configs=None):
    topic = name(stem)
    with Admin() as admin:
        admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": configs or {}}})
    return topic


def produce(topic, values, **settings):
    """Sends strings, each as the value and the key, and waits until all are acknowledged."""
    producer = make_producer(**settings)
    sent = [producer.send(topic, value=value.encode(), key=value.encode()) for value in values]
    for future in sent:
        future.get(30)
    producer.close(10)


def read_all(topic, partitions=1, ends=None, **settings):
    """Every record up to the end that the broker names now, or to `ends`, ordered by partition."""
    consumer = make_consumer(**settings)
    parts = [TopicPartition(topic, i) for i in range(partitions)]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends = ends or consumer.end_offsets(parts)
    records = {part: [] for part in parts}
    deadline = Deadline()
    while any(consumer.position(part) < ends[part] for part in parts):
        deadline.holds(f"to reach the ends {ends}")
        for part, found in consumer.poll(100).items():
            records[part] += found
    consumer.close()
    return [record for part in parts for record in records[part]]


def read_committed(topic, partitions=1):
    """Up to what is the end now for a reader without isolation: waits for the markers of transactions that have ended."""
    consumer = make_consumer()
    ends = consumer.end_offsets([TopicPartition(topic, i) for i in range(partitions)])
    consumer.close()
    return read_all(topic, partitions, ends, isolation_level="read_committed")


def values(records):
    return [record.value.decode() for record in records]


def numbered(count, stem="value "):
    return [f"{stem}{i}" for i in range(count)]
