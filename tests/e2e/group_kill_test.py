"""A group of real consumers, kcat's and our own, while leatd is killed under them: every record is read, what was
committed stays committed, and the group finds together again."""

import os
import re
import selectors
import shutil
import subprocess
import time
import unittest

from leat_process import BIN, Broker

PARTITIONS = 4
LIMIT = 120  # seconds for anything that a test waits for
TURN = 0.05  # seconds that one look for output lasts


class Member:
    """A consumer that prints the value of each record on a line."""

    def __init__(self, name, command):
        self.name = name
        self.values = []
        self.rest = b""
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)

    def take(self):
        data = self.process.stdout.read() or b""
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.values += [int(line) for line in lines]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.take()
        self.process.stdout.close()


@unittest.skipUnless(shutil.which("kcat"), "SKIPPED: kcat is not installed (tools/setup installs it)")
class GroupKill(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.broker.start()
        self.addCleanup(lambda: self.broker.__exit__())
        self.broker.leat("topic", "create", "t", "--partitions", str(PARTITIONS))
        self.selector = selectors.DefaultSelector()
        self.members = []
        self.gone = []
        self.committed = {}
        self.produced = 0
        self.producer = None
        self.addCleanup(self.end)

    def end(self):
        if self.producer:
            self.producer.kill()
            self.producer.wait()
        for member in list(self.members):
            self.kill_member(member)

    def join(self, name, command):
        member = Member(name, command)
        self.selector.register(member.process.stdout, selectors.EVENT_READ, member)
        self.members.append(member)
        return member

    def kcat(self, name, *settings):
        """A member by librdkafka; with an instance id it is a static one."""
        words = ["auto.offset.reset=earliest", "auto.commit.interval.ms=100", "session.timeout.ms=8000",
                 "heartbeat.interval.ms=300", "partition.assignment.strategy=range", *settings]
        return self.join(name, ["kcat", "-b", self.broker.kafka, "-E", "-q", "-u", "-f", "%s\n",
                                *(part for word in words for part in ("-X", word)), "-G", "g", "t"])

    def leat_member(self, name, *arguments):
        return self.join(name, [str(BIN / "leat"), "--address", self.broker.grpc, "consume", "t", "--group", "g",
                                "--from-beginning", *arguments])

    def kill_member(self, member):
        self.selector.unregister(member.process.stdout)
        self.members.remove(member)
        member.kill()
        self.gone.append(member)

    def produce(self, count, rate):
        """Goes on over the kills; every record is acknowledged when it has ended."""
        if self.producer:
            self.wait_for_producer()
        self.producer = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, "produce", "t", "--rate",
                                          str(rate)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE)
        numbers = range(self.produced, self.produced + count)
        self.producer.stdin.write("".join(f"{n}\n" for n in numbers).encode())
        self.producer.stdin.close()
        self.produced += count

    def wait_for_producer(self):
        code = self.producer.wait(LIMIT)
        self.assertEqual(code, 0, self.producer.stderr.read().decode())
        self.producer.stderr.close()
        self.producer = None

    def seen(self):
        return {value for member in self.members + self.gone for value in member.values}

    def turn(self):
        """Takes what the members have printed, and looks whether they still run."""
        for key, _ in self.selector.select(TURN):
            key.data.take()
        for member in self.members:
            self.assertIsNone(member.process.poll(), f"{member.name} has ended\n{self.broker.log_text()[-3000:]}")

    def wait_until(self, what, condition):
        deadline = time.monotonic() + LIMIT
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"expected {what} within {LIMIT} s; read {len(self.seen())} of "
                            f"{self.produced}\n{self.describe()}\n{self.broker.log_text()[-3000:]}")
            self.turn()

    def describe(self):
        return self.broker.leat("group", "members", "g", check=False).stdout

    def is_shared(self):
        """Stable, with these members, and every partition with one of them."""
        text = self.describe()
        owned = re.findall(r"\bt-(\d+)\b", text)
        return text.startswith("state: Stable") and sorted(owned) == [str(p) for p in range(PARTITIONS)] and \
            len(text.splitlines()) == 2 + len(self.members)

    def assignment(self):
        return {row["instance"] or row["member"]: sorted(p["partition"] for p in row["partitions"])
                for row in self.broker.json("group", "members", "g")}

    def look_at_commits(self):
        done = self.broker.leat("group", "describe", "g", check=False)
        for topic, partition, offset in re.findall(r"^(t)\s+(\d+)\s+(\d+)", done.stdout, re.M):
            old = self.committed.get(int(partition), 0)
            self.assertGreaterEqual(int(offset), old, f"the committed offset of {topic}-{partition} went back")
            self.committed[int(partition)] = int(offset)
        return sum(self.committed.values())

    def kill_and_start(self):
        self.look_at_commits()
        self.broker.kill()
        self.broker.start()
        self.look_at_commits()

    def assert_nothing_is_lost(self):
        self.wait_for_producer()
        self.wait_until("every record to be read", lambda: len(self.seen()) == self.produced)
        self.assertEqual(self.seen(), set(range(self.produced)))
        self.wait_until("everything to be committed", lambda: self.look_at_commits() == self.produced)

    def test_nothing_is_lost_when_the_broker_is_killed_under_a_group(self):
        self.kcat("kcat-1")
        self.kcat("kcat-2")
        self.leat_member("leat")
        self.wait_until("three members to share the topic", self.is_shared)
        self.produce(20_000, 2500)
        for round_number in range(1, 5):
            goal = round_number * 3000
            self.wait_until(f"{goal} records to be read", lambda: len(self.seen()) >= goal)
            self.kill_and_start()
        self.assert_nothing_is_lost()
        self.wait_until("three members to share the topic again", self.is_shared)

    def test_members_of_both_kinds_share_incrementally_and_lose_nothing(self):
        cooperative = "partition.assignment.strategy=cooperative-sticky"
        self.leat_member("leat-1", "--assignor", "cooperative-sticky")
        self.wait_until("the first member to have everything", self.is_shared)
        self.produce(9_000, 1000)
        self.wait_until("some records to be read", lambda: len(self.seen()) >= 500)
        self.kcat("kcat-1", cooperative)
        self.wait_until("kcat to share what we had", self.is_shared)
        leaving = self.leat_member("leat-2", "--assignor", "cooperative-sticky")
        self.wait_until("three members to share the topic", self.is_shared)
        self.produce(6_000, 1000)
        self.wait_until("the third member to read", lambda: leaving.values)
        self.kill_and_start()
        self.kcat("kcat-2", cooperative)
        self.kill_member(leaving)
        self.assert_nothing_is_lost()
        self.wait_until("the three that are left to share the topic", self.is_shared)

    def test_a_member_that_dies_with_the_broker_is_replaced(self):
        self.kcat("kcat-1")
        victim = self.kcat("kcat-2")
        self.wait_until("two members to share the topic", self.is_shared)
        self.produce(6_000, 1500)
        self.wait_until("some records to be read", lambda: len(self.seen()) >= 1000 and victim.values)
        self.broker.kill()
        self.kill_member(victim)
        self.broker.start()
        self.leat_member("leat")
        self.assert_nothing_is_lost()
        self.wait_until("the two that are left to share the topic", self.is_shared)

    def test_static_members_keep_their_partitions_over_kills(self):
        static = ("session.timeout.ms=60000",)
        self.kcat("kcat-1", "group.instance.id=box-1", *static)
        self.kcat("kcat-2", "group.instance.id=box-2", *static)
        self.wait_until("two members to share the topic", self.is_shared)
        before = self.assignment()
        self.produce(9_000, 1500)
        for goal in (1500, 3500, 5500):
            self.wait_until(f"{goal} records to be read", lambda: len(self.seen()) >= goal)
            self.kill_and_start()
            self.assertEqual(self.assignment(), before, "the group came back from the log as it was")
        self.kill_member(self.members[1])
        self.broker.kill()
        self.broker.start()
        self.kcat("kcat-2 again", "group.instance.id=box-2", *static)
        self.assert_nothing_is_lost()
        self.wait_until("both to have what they had", lambda: self.is_shared() and self.assignment() == before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
