"""The admin client: topics, configs, partitions, records, groups. aiokafka asks with the oldest versions."""

from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from common import administrating, consuming, create_topic, numbered, produce, read_all
from harness import equal, holds, name, test


@test
async def admin_create_describe_delete_topics():
    topic = await create_topic("create", partitions=3)
    async with administrating() as admin:
        holds(topic in await admin.list_topics(), "the topic in the list")
        described, = await admin.describe_topics([topic])
        equal(len(described["partitions"]), 3, "partitions")
        again = await admin.create_topics([NewTopic(topic, 1, 1)])
        equal(again.topic_errors[0][1], 36, "TOPIC_ALREADY_EXISTS")
        await admin.delete_topics([topic])
        # A broker may tell its metadata a moment later; the client asks it again each time.
        for _ in range(200):
            if topic not in await admin.list_topics():
                return
        raise AssertionError("expected the topic to be gone")


@test
async def admin_configs():
    topic = await create_topic("configs", configs={"retention.ms": "3600000"})
    async with administrating() as admin:

        async def configs():
            answer, = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            return {entry[0]: entry[1] for entry in answer.resources[0][4]}

        equal((await configs())["retention.ms"], "3600000", "retention.ms")
        equal((await configs())["cleanup.policy"], "delete", "cleanup.policy")
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7200000"})])
        equal((await configs())["retention.ms"], "7200000", "retention.ms")


@test
async def admin_create_partitions():
    topic = await create_topic("more-partitions")
    async with administrating() as admin:
        await admin.create_partitions({topic: NewPartitions(4)})
        described, = await admin.describe_topics([topic])
        equal(len(described["partitions"]), 4, "partitions")


@test
async def admin_delete_records():
    topic = await create_topic("delete-records")
    await produce(topic, numbered(100))
    part = TopicPartition(topic, 0)
    async with administrating() as admin:
        equal(await admin.delete_records({part: RecordsToDelete(60)}), {part: 60}, "low watermark")
    equal([record.offset for record in await read_all(topic)], list(range(60, 100)), "offsets left")


@test
async def admin_groups():
    topic, group = await create_topic("groups"), name("groups")
    await produce(topic, numbered(10))
    part = TopicPartition(topic, 0)
    async with consuming(topic, group_id=group) as consumer, administrating() as admin:
        for _ in range(10):
            await consumer.getone()
        await consumer.commit()
        answer, = await admin.describe_consumer_groups([group])
        equal((answer.groups[0][1], answer.groups[0][2], len(answer.groups[0][5])), (group, "Stable", 1), "the group")
        holds(any(entry[0] == group for entry in await admin.list_consumer_groups()), "the group in the list")
        equal((await admin.list_consumer_group_offsets(group))[part].offset, 10, "committed offset")
        holds((await admin.describe_cluster())["cluster_id"], "a cluster id")
