"""Consumer groups: members on threads of their own come and go while records flow."""

import threading

from common import Admin, create_topic, make_consumer, make_producer, numbered, produce
from harness import Deadline, equal, holds, name, test, tests_for
from kafka import TopicPartition
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError

PARTITIONS = 6


class Member(threading.Thread):
    """Reads and commits until told to leave."""

    def __init__(self, topic, **settings):
        super().__init__(daemon=True)
        self.seen = []
        self.assigned = frozenset()
        self.error = None
        self._leave = threading.Event()
        self._consumer = make_consumer(session_timeout_ms=10000, heartbeat_interval_ms=300, **settings)
        self._consumer.subscribe([topic])
        self.start()

    def run(self):
        try:
            while not self._leave.is_set():
                for records in self._consumer.poll(50).values():
                    self.seen += [record.value.decode() for record in records]
                self.assigned = frozenset(self._consumer.assignment())
                self._commit()
        except Exception as error:  # told to the test by leave()
            self.error = error
        finally:
            self._consumer.close()

    def _commit(self):
        try:
            self._consumer.commit()
        except KafkaError as error:
            # Refused while the group rebalances: the next owner reads those records again.
            if error.errno not in (22, 25, 27) and type(error).__name__ not in ("CommitFailedError", "IllegalStateError"):
                raise

    def leave(self):
        self._leave.set()
        self.join(30)
        holds(not self.is_alive(), "a member to leave in time")
        if self.error:
            raise self.error


class Flow:
    """A producer that goes on while the test waits for its members."""

    def __init__(self, topic):
        self.topic = topic
        self.producer = make_producer()
        self.produced = []

    def until(self, what, done):
        deadline = Deadline()
        while not done():
            deadline.holds(what)
            for _ in range(5):
                value = f"value {len(self.produced)}"
                self.produced.append(value)
                self.producer.send(self.topic, value.encode(), key=value.encode())
            self.producer.flush(30)

    def drained(self, members):
        self.producer.close(30)
        deadline = Deadline()
        while not set(self.produced) <= {value for member in members for value in member.seen}:
            deadline.holds("every record read by somebody")
            threading.Event().wait(0.01)


def committed_total(group, topic):
    consumer = make_consumer(group_id=group)
    total = sum(consumer.committed(TopicPartition(topic, i)) or 0 for i in range(PARTITIONS))
    consumer.close()
    return total


ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


@tests_for(ASSIGNORS, "group_rebalance_under_load")
def group_rebalance_under_load(assignor):
    topic, group = create_topic(f"rebalance-{assignor}", PARTITIONS), name(f"rebalance-{assignor}")
    settings = {"group_id": group, "partition_assignment_strategy": [ASSIGNORS[assignor]]}
    flow = Flow(topic)
    first = Member(topic, **settings)
    flow.until("the first member to read", lambda: len(first.seen) > 100)
    second = Member(topic, **settings)
    flow.until("two members to share", lambda: len(second.seen) > 100 and len(first.assigned) == 3)
    third = Member(topic, **settings)
    flow.until("three members to share", lambda: len(third.seen) > 100 and len(first.assigned) == len(second.assigned) == 2)
    first.leave()
    flow.until("the others to take over", lambda: len(second.assigned) == len(third.assigned) == 3)
    flow.drained([first, second, third])
    second.leave()
    third.leave()
    holds(len(flow.produced) > 300, "records")
    equal(committed_total(group, topic), len(flow.produced), "offsets committed")

    produce(topic, numbered(20, "late "))
    late = Member(topic, **settings)
    deadline = Deadline()
    while len(late.seen) < 20:
        deadline.holds("the late member to read")
        threading.Event().wait(0.01)
    late.leave()
    equal(sorted(late.seen), sorted(numbered(20, "late ")), "what the late member read")


@test
def group_cooperative_two_members():
    topic, group = create_topic("cooperative", PARTITIONS), name("cooperative")
    settings = {"group_id": group, "partition_assignment_strategy": [CooperativeStickyAssignor]}
    flow = Flow(topic)
    first = Member(topic, **settings)
    flow.until("the first member to read", lambda: len(first.seen) > 50)
    second = Member(topic, **settings)
    flow.until("two members to share", lambda: len(second.seen) > 50 and len(first.assigned) == len(second.assigned) == 3)
    flow.drained([first, second])
    first.leave()
    second.leave()


@test
def group_static_member():
    topic, group = create_topic("static", PARTITIONS), name("static")
    flow = Flow(topic)
    member = Member(topic, group_id=group, group_instance_id="box-1")
    flow.until("the member to have all partitions", lambda: len(member.assigned) == PARTITIONS and len(member.seen) > 20)
    member.leave()
    with Admin() as admin:
        described = admin.describe_groups([group])[group]
        equal([entry["group_instance_id"] for entry in described["members"]], ["box-1"], "a static member stays when it stops")
        back = Member(topic, group_id=group, group_instance_id="box-1")
        flow.until("the member to have its partitions again", lambda: len(back.assigned) == PARTITIONS)
        flow.drained([member, back])
        back.leave()
        admin.remove_group_members(group, [MemberToRemove(group_instance_id="box-1")])
        equal(admin.describe_groups([group])[group]["group_state"], "Empty", "state after the member was removed")
