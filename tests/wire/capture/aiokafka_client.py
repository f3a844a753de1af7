"""What aiokafka can call: aiokafka_client.py HOST:PORT"""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

SERVER = sys.argv[1]
TOPIC, GROUP = "aio", "aio-readers"


async def step(name, call):
    try:
        return await asyncio.wait_for(call, 8)
    except Exception as error:  # what one version cannot do is passed over
        print(f"{name}: {type(error).__name__}: {error}")
        return None


async def clients():
    producer = AIOKafkaProducer(bootstrap_servers=SERVER, compression_type="gzip")
    await producer.start()
    for i in range(5):
        await step("send", producer.send_and_wait(TOPIC, b"v%d" % i, key=b"k", headers=[("h", b"x")]))
    await producer.stop()
    ours = AIOKafkaProducer(bootstrap_servers=SERVER, transactional_id="aio-transactions")
    await ours.start()
    await step("begin", ours.begin_transaction())
    await step("send", ours.send_and_wait(TOPIC, b"in a transaction"))
    await step("offsets", ours.send_offsets_to_transaction({TopicPartition(TOPIC, 0): 3}, GROUP + "-2"))
    await step("commit", ours.commit_transaction())
    await step("begin", ours.begin_transaction())
    await step("abort", ours.abort_transaction())
    await ours.stop()
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=SERVER, group_id=GROUP, auto_offset_reset="earliest",
                                enable_auto_commit=False, isolation_level="read_committed", heartbeat_interval_ms=500,
                                session_timeout_ms=6000)
    await consumer.start()
    got = await step("get", consumer.getmany(timeout_ms=2500))
    print(sum(len(records) for records in (got or {}).values()), "consumed")
    await asyncio.sleep(1)
    await step("commit", consumer.commit())
    await step("committed", consumer.committed(TopicPartition(TOPIC, 0)))
    await step("times", consumer.offsets_for_times({TopicPartition(TOPIC, 0): 1}))
    await consumer.stop()


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVER)
    await admin.start()
    await step("create", admin.create_topics([NewTopic(TOPIC, 1, 1)]))
    await asyncio.sleep(0.5)
    await clients()
    await step("groups", admin.list_consumer_groups())
    await step("describe groups", admin.describe_consumer_groups([GROUP]))
    await step("offsets", admin.list_consumer_group_offsets(GROUP))
    resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "5000"})
    await step("alter configs", admin.alter_configs([resource]))
    await step("configs", admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)]))
    await step("partitions", admin.create_partitions({TOPIC: NewPartitions(2)}))
    await step("delete records", admin.delete_records({TopicPartition(TOPIC, 0): RecordsToDelete(1)}))
    await step("cluster", admin.describe_cluster())
    await step("delete", admin.delete_topics([TOPIC]))
    await admin.close()


asyncio.run(main())
