"""Producers, consumers and topics for the tests of aiokafka."""

import asyncio
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from harness import BOOTSTRAP, name


async def until(what, condition, seconds=40):
    """Returns when `condition` holds; the client works on meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"expected {what}, and it did not happen in time") from None


@asynccontextmanager
async def running(client):
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


def producing(**settings):
    return running(AIOKafkaProducer(**{"bootstrap_servers": BOOTSTRAP, **settings}))


def consuming(*topics, **settings):
    return running(AIOKafkaConsumer(*topics, **{"bootstrap_servers": BOOTSTRAP, "auto_offset_reset": "earliest",
                                                "enable_auto_commit": False, "fetch_max_wait_ms": 100, **settings}))


@asynccontextmanager
async def administrating():
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def create_topic(stem, partitions=1, configs=None):
    topic = name(stem)
    async with administrating() as admin:
        answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs or {})])
        codes = [entry[1] for entry in answer.topic_errors]
        if codes != [0]:
            raise AssertionError(f"create {topic}: expected error code 0, got {codes}")
    return topic


async def produce(topic, texts, **settings):
    async with producing(**settings) as producer:
        await send(producer, topic, texts)


async def send(producer, topic, texts):
    waiting = [await producer.send(topic, text.encode(), key=text.encode()) for text in texts]
    await asyncio.gather(*waiting)


async def read_all(topic, partitions=1, ends=None, **settings):
    """Every record up to the end that the broker names now, or to `ends`, ordered by partition."""
    parts = [TopicPartition(topic, i) for i in range(partitions)]
    async with consuming(**settings) as consumer:
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = ends or await consumer.end_offsets(parts)
        records = {part: [] for part in parts}
        async with asyncio.timeout(40):
            for part in parts:
                while await consumer.position(part) < ends[part]:
                    for found, batch in (await consumer.getmany(timeout_ms=100)).items():
                        records[found] += batch
    return [record for part in parts for record in records[part]]


async def read_committed(topic, partitions=1):
    """Up to what is the end now for a reader without isolation: waits for the markers of transactions that have ended."""
    async with consuming() as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, i) for i in range(partitions)])
    return await read_all(topic, partitions, ends, isolation_level="read_committed")


def values(records):
    return [record.value.decode() for record in records]


def numbered(count, stem="value "):
    return [f"{stem}{i}" for i in range(count)]
