"""What is done to a cluster while producers write to it, and what must hold at the end. Each scenario runs against three
daemons of its own."""

import os
import random
import signal
import traceback

from confluent_kafka.admin import AdminClient, NewTopic

from clients import QUIET, SteadyProducer, TransactionalProducer, read_all
from cluster import Cluster
from history import check

TOPIC, PARTITIONS = "chaos", 4
LOG_LINES = 30  # of each node, told with a failure
STEADY = 300  # writes that must be acknowledged before, between and after the faults, by each producer


class Run:
    """Producers on a cluster; what is done to it goes in between."""

    def __init__(self, cluster, seed, transactions):
        self.cluster, self.random = cluster, random.Random(seed)
        self.admin = AdminClient(QUIET | {"bootstrap.servers": cluster.kafka})
        copies = min(3, len(cluster.nodes))
        made = self.admin.create_topics([NewTopic(TOPIC, PARTITIONS, copies, config={
            "min.insync.replicas": str(copies - 1 if copies > 1 else 1)})])
        made[TOPIC].result(30)
        self.steady = [SteadyProducer(f"steady{i}", cluster.kafka, TOPIC, PARTITIONS) for i in range(2)]
        self.transactional = []
        if transactions:
            self.transactional.append(TransactionalProducer("transactional", cluster.kafka, TOPIC, PARTITIONS))
        for producer in self.steady + self.transactional:
            producer.start()
        self.progress()

    def progress(self):
        """Writes are acknowledged, those of every producer."""
        for producer in self.steady:
            producer.await_acknowledged(STEADY)

    def metadata(self):
        return self.admin.list_topics(timeout=30)

    def leader(self):
        """Of some partition."""
        partitions = self.metadata().topics[TOPIC].partitions
        return partitions[self.random.randrange(PARTITIONS)].leader

    def controller(self):
        return self.metadata().controller_id

    def signal(self, node, what):
        os.kill(self.cluster.nodes[node].process.pid, what)

    def finish(self):
        """The problems that were found."""
        for producer in self.steady + self.transactional:
            producer.stop()
        writes = [write for producer in self.steady for write in producer.writes]
        writes += [write for producer in self.transactional for write in producer.history()]
        ended = {name: how for producer in self.transactional for name, how in producer.ended.items()}
        found = read_all(self.cluster.kafka, TOPIC, PARTITIONS)
        return check(writes, found, ended), len(writes), len(found)


def kill_leader(run):
    node = run.leader()
    run.cluster.nodes[node].kill()
    run.progress()
    run.cluster.nodes[node].start()
    run.progress()


def kill_controller(run):
    node = run.controller()
    run.cluster.nodes[node].kill()
    run.progress()
    run.cluster.nodes[node].start()
    run.progress()


def kill_all(run):
    for node in run.cluster.nodes.values():
        node.kill()
    for node in run.cluster.nodes.values():
        node.begin()
    for node in run.cluster.nodes.values():
        node.wait_ready()
    run.progress()


def stop_and_continue(run):
    """A leader stands still until another one has taken over, then goes on as if nothing had been."""
    node = run.leader()
    run.signal(node, signal.SIGSTOP)
    try:
        run.progress()
    finally:
        run.signal(node, signal.SIGCONT)
    run.progress()


def sever(run):
    """A leader loses its links to the other nodes in both directions; clients still reach it."""
    run.cluster.isolate(run.leader())
    run.progress()
    run.cluster.heal()
    run.progress()


def sever_one_way(run):
    run.cluster.isolate(run.leader(), run.random.choice(["in", "out"]))
    run.progress()
    run.cluster.heal()
    run.progress()


def rolling_restart(run):
    for node in run.cluster.nodes.values():
        code = node.stop()
        if code != 0:
            raise AssertionError(f"leatd ended with {code} after SIGTERM:\n{node.log_text()[-2000:]}")
        node.start()
        run.progress()


def wipe_disk(run):
    """A node comes back with an empty disk under its old id. Its vote is another disk's: it is taken away and given anew."""
    lost = run.leader()
    node = run.cluster.nodes[lost]
    node.kill()
    node.wipe()
    run.progress()
    controller = run.cluster.nodes[run.controller()]
    controller.leat("cluster", "remove-voter", str(lost), "--yes")
    node.start()
    controller.leat("cluster", "add-voter", str(lost), "--at", run.cluster.internal[lost])
    run.progress()


# Those that one node alone must stand, too, are marked.
SCENARIOS = {"kill_leader": kill_leader, "kill_controller": kill_controller, "kill_all": kill_all,
             "stop_and_continue": stop_and_continue, "sever": sever, "sever_one_way": sever_one_way,
             "rolling_restart": rolling_restart, "wipe_disk": wipe_disk}
OF_ONE_NODE = {"kill_all", "rolling_restart"}


def play(name, seed, nodes=3, transactions=True):
    """Runs one scenario; returns (lines of problems, what was written and found)."""
    with Cluster(nodes) as cluster:
        try:
            run = Run(cluster, seed, transactions)
            SCENARIOS[name](run)
            problems, writes, found = run.finish()
        except Exception:
            return traceback.format_exc().splitlines() + list(log_tails(cluster)), "did not end"
        lines = list(problems.lines())
        return lines + (list(log_tails(cluster)) if lines else []), f"{writes} writes, {found} records read"


def log_tails(cluster):
    for node, broker in cluster.nodes.items():
        yield f"the end of node {node}'s log:"
        yield from broker.log_text().splitlines()[-LOG_LINES:]
