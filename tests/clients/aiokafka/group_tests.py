"""Consumer groups: members come and go while records flow."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from common import consuming, create_topic, numbered, produce, producing, until, values
from harness import BOOTSTRAP, equal, holds, name, tests_for

PARTITIONS = 6
ASSIGNORS = {"roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor}


class Member:
    """Reads and commits in a task until it leaves."""

    def __init__(self, topic, **settings):
        self.topic = topic
        self.seen = []
        self.settings = settings

    async def join(self):
        self.consumer = AIOKafkaConsumer(self.topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest",
                                         enable_auto_commit=False, fetch_max_wait_ms=100, session_timeout_ms=10000,
                                         heartbeat_interval_ms=300, **self.settings)
        self.leaving = False
        self.task = asyncio.create_task(self._read())
        return self

    async def _read(self):
        await self.consumer.start()
        while not self.leaving:
            for records in (await self.consumer.getmany(timeout_ms=50)).values():
                self.seen += values(records)
            try:
                await self.consumer.commit()
            except (CommitFailedError, IllegalStateError, KafkaError):
                pass  # the group rebalances: the next owner reads those records again
        await self.consumer.stop()

    def assigned(self):
        if self.task.done():
            self.task.result()  # a member that failed is a failed test
        return len(self.consumer.assignment())

    async def leave(self):
        self.leaving = True
        await self.task


@tests_for(ASSIGNORS, "group_rebalance_under_load")
async def rebalance(assignor):
    topic, group = await create_topic(f"rebalance-{assignor}", PARTITIONS), name(f"rebalance-{assignor}")
    settings = {"group_id": group, "partition_assignment_strategy": [ASSIGNORS[assignor]]}
    produced = []
    stopping = False

    async def flow():
        async with producing(enable_idempotence=True) as producer:
            while not stopping:
                value = f"value {len(produced)}"
                produced.append(value)
                await producer.send_and_wait(topic, value.encode(), key=value.encode())

    load = asyncio.create_task(flow())
    first = await Member(topic, **settings).join()
    await until("the first member to read", lambda: len(first.seen) > 100)
    second = await Member(topic, **settings).join()
    await until("two members to share", lambda: len(second.seen) > 100 and first.assigned() == 3)
    third = await Member(topic, **settings).join()
    await until("three members to share", lambda: len(third.seen) > 100 and first.assigned() == second.assigned() == 2)
    await first.leave()
    await until("the others to take over", lambda: second.assigned() == third.assigned() == 3)
    stopping = True
    await load
    await until("every record read by somebody", lambda: set(produced) <= {*first.seen, *second.seen, *third.seen})
    await second.leave()
    await third.leave()
    async with consuming(group_id=group) as consumer:
        total = sum([await consumer.committed(TopicPartition(topic, i)) or 0 for i in range(PARTITIONS)])
    equal(total, len(produced), "offsets committed")
    await produce(topic, numbered(20, "late "))
    late = await Member(topic, **settings).join()
    await until("the late member to read", lambda: len(late.seen) >= 20)
    await late.leave()
    holds(sorted(late.seen) == sorted(numbered(20, "late ")), "only the new records for the late member")
