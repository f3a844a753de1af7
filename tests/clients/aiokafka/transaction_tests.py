"""Idempotence and transactions."""

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from common import consuming, create_topic, numbered, produce, producing, read_all, read_committed, send, values
from harness import equal, holds, name, test


async def committed(topic, partitions=1):
    return sorted(values(await read_committed(topic, partitions)))


@test
async def idempotent_producer():
    topic = await create_topic("idempotent", 3)
    await produce(topic, numbered(1000), enable_idempotence=True, max_batch_size=500)
    equal(sorted(values(await read_all(topic, 3))), sorted(numbered(1000)), "records")


@test
async def transactions_committed_and_aborted():
    topic = await create_topic("commit-and-abort", 3)
    async with producing(transactional_id=name("commit-and-abort")) as producer:
        for i in range(3):
            async with producer.transaction():
                await send(producer, topic, numbered(20, f"kept {i} "))
            await producer.begin_transaction()
            await send(producer, topic, numbered(10, f"dropped {i} "))
            await producer.abort_transaction()
    kept = sorted(text for i in range(3) for text in numbered(20, f"kept {i} "))
    dropped = [text for i in range(3) for text in numbered(10, f"dropped {i} ")]
    equal(await committed(topic, 3), kept, "read committed")
    equal(sorted(values(await read_all(topic, 3))), sorted(kept + dropped), "read uncommitted")


@test
async def open_transaction_hides_what_follows():
    topic = await create_topic("open")
    part = TopicPartition(topic, 0)
    await produce(topic, numbered(5, "before "))
    async with producing(transactional_id=name("open")) as producer:
        await producer.begin_transaction()
        await send(producer, topic, numbered(5, "open "))
        await produce(topic, numbered(5, "after "))
        async with consuming(isolation_level="read_committed") as consumer:
            consumer.assign([part])
            records = [await consumer.getone() for _ in range(5)]
            equal(values(records), numbered(5, "before "), "read committed")
            equal(await consumer.getmany(timeout_ms=300), {}, "nothing more")
            equal(consumer.last_stable_offset(part), 5, "last stable offset")
        await producer.commit_transaction()
    equal(len(await committed(topic)), 15, "records after the commit")


@test
async def consume_transform_produce():
    source, target, group = await create_topic("copy-from"), await create_topic("copy-to", 2), name("copy")
    await produce(source, numbered(200))
    copied = rounds = 0
    async with producing(transactional_id=name("copy")) as producer:
        while copied < 200:
            rounds += 1
            async with consuming(source, group_id=group, isolation_level="read_committed", max_poll_records=40) as consumer:
                found = {}
                while not found:
                    found = await consumer.getmany(timeout_ms=500)
                records = [record for batch in found.values() for record in batch]
                await producer.begin_transaction()
                await send(producer, target, values(records))
                await producer.send_offsets_to_transaction({TopicPartition(source, 0): records[-1].offset + 1}, group)
                if rounds % 3 == 2:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
                    copied += len(records)
    holds(rounds > 4, "several rounds")
    equal(await committed(target, 2), sorted(numbered(200)), "each record copied once")


@test
async def zombie_is_fenced():
    topic = await create_topic("zombie")
    fenced = None
    async with producing(transactional_id=name("zombie")) as zombie:
        await zombie.begin_transaction()
        await send(zombie, topic, numbered(5, "zombie "))
        async with producing(transactional_id=name("zombie")) as successor:
            async with successor.transaction():
                await send(successor, topic, numbered(5, "successor "))
        try:
            await zombie.commit_transaction()
        except KafkaError as error:
            fenced = type(error).__name__
    holds(fenced in ("ProducerFenced", "InvalidProducerEpoch"), f"a fenced producer, not {fenced}")
    equal(await committed(topic), sorted(numbered(5, "successor ")), "only the successor's records")
