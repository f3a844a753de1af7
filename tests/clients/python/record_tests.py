"""Records as they went in, and positions by offset and time."""

from common import Admin, create_topic, make_consumer, make_producer, numbered, produce, read_all, values
from harness import equal, holds, test, tests_for
from kafka import TopicPartition
from kafka.errors import MessageSizeTooLargeError

START = 1700000000000


@tests_for([None, "gzip", "snappy", "lz4", "zstd"], "compression")
def compression(codec):
    topic = create_topic(f"compression-{codec}")
    sent = numbered(300, "a text that repeats, repeats, repeats ")
    produce(topic, sent, compression_type=codec)
    equal(values(read_all(topic)), sent, "records")


@tests_for([0, 1, "all"], "acks")
def acks(setting):
    topic = create_topic(f"acks-{setting}")
    producer = make_producer(acks=setting, enable_idempotence=False)
    for value in numbered(100):
        producer.send(topic, value.encode())
    producer.flush(30)
    # With acks=0 only a later answer on the same connection says that all have been taken.
    producer.send(topic, b"last").get(30)
    producer.close(10)
    holds(len(read_all(topic)) >= 100, "100 records")


@test
def headers():
    topic = create_topic("headers")
    expected = [("trace", b"abc"), ("empty", b""), ("trace", b"again")]
    producer = make_producer()
    producer.send(topic, b"v", headers=expected)
    producer.send(topic, b"bare")
    producer.close(10)
    first, second = read_all(topic)
    equal(list(first.headers), expected, "headers")
    equal(list(second.headers), [], "no headers")


@test
def null_and_empty_keys_and_values():
    topic = create_topic("null-and-empty")
    kinds = [(key, value) for key in (None, b"", b"x") for value in (None, b"", b"x") if (key, value) != (None, None)]
    producer = make_producer()
    for key, value in kinds:
        producer.send(topic, value, key=key, partition=0)
    producer.close(10)
    equal([(record.key, record.value) for record in read_all(topic)], kinds, "keys and values")


@test
def records_near_a_million_bytes():
    topic = create_topic("big")
    value = b"a" + b"b" * 990000 + b"c"
    producer = make_producer()
    for _ in range(2):
        producer.send(topic, value).get(30)
    producer.close(10)
    equal([record.value == value for record in read_all(topic)], [True, True], "two big records")


@test
def record_above_the_limit_is_refused():
    topic = create_topic("too-big")
    producer = make_producer(max_request_size=4000000)
    try:
        producer.send(topic, b"x" * 2000000).get(30)
    except MessageSizeTooLargeError:
        produce(topic, ["small"])
    else:
        raise AssertionError("expected MessageSizeTooLargeError")
    finally:
        producer.close(10)


@test
def topic_made_by_producing():
    topic = create_topic("unused") + "-automatic"
    produce(topic, numbered(3))
    equal(values(read_all(topic)), numbered(3), "records")


def seconds(stem):
    """100 records, one a second from START on."""
    topic = create_topic(stem)
    producer = make_producer()
    for i in range(100):
        producer.send(topic, b"%d" % i, timestamp_ms=START + i * 1000)
    producer.close(10)
    return TopicPartition(topic, 0)


@test
def offsets_beginning_and_end():
    part = seconds("beginning-and-end")
    consumer = make_consumer()
    equal(consumer.beginning_offsets([part]), {part: 0}, "beginning")
    equal(consumer.end_offsets([part]), {part: 100}, "end")
    consumer.close()


@test
def offsets_by_time():
    part = seconds("by-time")
    consumer = make_consumer()

    def at(time):
        found = consumer.offsets_for_times({part: time})[part]
        return found and (found.offset, found.timestamp)

    equal(at(START - 5), (0, START), "before the first")
    equal(at(START + 41000), (41, START + 41000), "exactly")
    equal(at(START + 41001), (42, START + 42000), "between two")
    equal(at(START + 1000000), None, "after the last")
    consumer.close()


@test
def timestamp_type_of_the_broker():
    topic = create_topic("log-append-time", configs={"message.timestamp.type": "LogAppendTime"})
    producer = make_producer()
    producer.send(topic, b"v", timestamp_ms=START).get(30)
    producer.close(10)
    record, = read_all(topic)
    holds(record.timestamp > START and record.timestamp_type == 1, "the broker's time on the record")


@test
def seek_and_pause():
    part = seconds("seek")
    consumer = make_consumer(max_poll_records=10)
    consumer.assign([part])
    for target in (77, 3):
        consumer.seek(part, target)
        found = {}
        while not found:
            found = consumer.poll(1000)
        equal(found[part][0].offset, target, "first offset after a seek")
    consumer.pause(part)
    equal(consumer.poll(300), {}, "nothing while paused")
    consumer.resume(part)
    holds(consumer.poll(5000), "records after resume")
    consumer.close()


@test
def broker_compresses_as_the_topic_says():
    topic = create_topic("recompressed", configs={"compression.type": "zstd"})
    sent = numbered(300, "a text that repeats, repeats, repeats ")
    produce(topic, sent, compression_type="gzip")
    equal(values(read_all(topic)), sent, "records")
    with Admin() as admin:
        topics = [entry for broker in admin.describe_log_dirs() for found in broker["log_dirs"] for entry in found["topics"]]
        size = sum(part["partition_size"] for entry in topics if entry["name"] == topic for part in entry["partitions"])
    holds(0 < size < 300 * 20, f"compressed records on disk, not {size} bytes")
