"""Records as they went in, and positions by offset and time."""

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from common import consuming, create_topic, numbered, produce, producing, read_all, values
from harness import equal, holds, test, tests_for

START = 1700000000000


@tests_for([None, "gzip", "snappy", "lz4", "zstd"], "compression")
async def compression(codec):
    topic = await create_topic(f"compression-{codec}")
    sent = numbered(300, "a text that repeats, repeats, repeats ")
    await produce(topic, sent, compression_type=codec)
    equal(values(await read_all(topic)), sent, "records")


@tests_for([0, 1, "all"], "acks")
async def acks(setting):
    topic = await create_topic(f"acks-{setting}")
    async with producing(acks=setting) as producer:
        for value in numbered(100):
            await producer.send_and_wait(topic, value.encode())
    records = []
    for _ in range(100):
        records = await read_all(topic)
        if len(records) == 100:
            break
    equal(values(records), numbered(100), "records")


@test
async def headers():
    topic = await create_topic("headers")
    expected = [("trace", b"abc"), ("empty", b""), ("trace", b"again")]
    async with producing() as producer:
        await producer.send_and_wait(topic, b"v", headers=expected)
        await producer.send_and_wait(topic, b"bare")
    first, second = await read_all(topic)
    equal(list(first.headers), expected, "headers")
    equal(list(second.headers), [], "no headers")


@test
async def null_and_empty_keys_and_values():
    topic = await create_topic("null-and-empty")
    kinds = [(key, value) for key in (None, b"", b"x") for value in (None, b"", b"x") if (key, value) != (None, None)]
    async with producing() as producer:
        for key, value in kinds:
            await producer.send_and_wait(topic, value, key=key, partition=0)
    equal([(record.key, record.value) for record in await read_all(topic)], kinds, "keys and values")


@test
async def records_near_a_million_bytes():
    topic = await create_topic("big")
    value = b"a" + b"b" * 990000 + b"c"
    async with producing() as producer:
        await producer.send_and_wait(topic, value)
        await producer.send_and_wait(topic, value)
    equal([record.value == value for record in await read_all(topic)], [True, True], "two big records")


@test
async def record_above_the_limit_is_refused():
    topic = await create_topic("too-big")
    async with producing(max_request_size=4000000, max_batch_size=4000000) as producer:
        try:
            await producer.send_and_wait(topic, b"x" * 2000000)
            raise AssertionError("expected MessageSizeTooLargeError")
        except MessageSizeTooLargeError:
            pass
        await producer.send_and_wait(topic, b"small")


@test
async def offsets_beginning_end_and_by_time():
    topic = await create_topic("times")
    part = TopicPartition(topic, 0)
    async with producing() as producer:
        for i in range(100):
            await producer.send_and_wait(topic, b"%d" % i, timestamp_ms=START + i * 1000)
    async with consuming() as consumer:
        equal(await consumer.beginning_offsets([part]), {part: 0}, "beginning")
        equal(await consumer.end_offsets([part]), {part: 100}, "end")
        for time, expected in ((START - 5, 0), (START + 41000, 41), (START + 41001, 42)):
            equal((await consumer.offsets_for_times({part: time}))[part].offset, expected, f"offset at {time}")
        equal((await consumer.offsets_for_times({part: START + 1000000}))[part], None, "after the last")
        consumer.assign([part])
        for target in (77, 3):
            consumer.seek(part, target)
            equal((await consumer.getone()).offset, target, "first offset after a seek")
        consumer.pause(part)
        equal(await consumer.getmany(timeout_ms=200), {}, "nothing while paused")
        consumer.resume(part)
        holds(await consumer.getmany(timeout_ms=5000), "records after resume")
