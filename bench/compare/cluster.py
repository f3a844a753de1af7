#!/usr/bin/env python3
"""Measures three leatd against three Apache Kafka nodes on this machine, in interleaved turns, and prints both sides.

    bench/compare/cluster.py [--pairs N] [--rows C1,A2] [--seconds S] [--warm S] [--only leat] [--json FILE]

All topics have three copies, min.insync.replicas=2, and are written with acks=all; both sides acknowledge from the page
cache of two. Kafka's nodes are broker and controller in one, as leatd's are. Rows by name:

    C1  produce 60 x 1 KB: MB/s, and CPU-seconds of the three a GB   C2  1 x 100 B    C3  10 x 1 KB, 500 requests/s, open loop
    A1  three nodes in empty directories: from their start to the first acknowledged write
    A2  SIGKILL of the leader of a partition: to the next acknowledged write
    A3  leaders that move without a loss, under load: the longest time without an acknowledged write
    A4  SIGKILL of the active controller: to the next change of the metadata that is answered
    A5  SIGKILL of a node with a large log: from its start to its first answer, and until it is in sync again
    A6  10,000 partitions: making them, memory of a node, start of all three, and of one after SIGKILL

Needs what compare.py needs, and kafka_load of this tree. C and A1 to A4 share one cluster, A5 and A6 have their own. The load
average is printed with each turn: on a busy machine only the ratios say something.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import KEPT, RECYCLED, ROOT, Kafka, bytes_below, free_port, idle, run, stop, touch_page_cache

NODES = (1, 2, 3)
PARTITIONS = 6  # two led by each node
MANY_TOPICS, MANY_PARTITIONS = 20, 500

# Each row: the arguments of kafka_load, and the figures that are compared.
LOADS = {
    "C1": (["--connections", "6", "--depth", "4", "--records", "60", "--size", "1000"],
           ["mb_per_s", "server_cpu_s_per_gb", "p99_us", "p999_us", "server_peak_rss_mib"]),
    "C2": (["--connections", "48", "--records", "1", "--size", "100"],
           ["requests_per_s", "server_us_per_request", "p99_us", "p999_us"]),
    "C3": (["--connections", "12", "--records", "10", "--size", "1000", "--rate", "500"],
           ["p50_us", "p99_us", "p999_us", "server_us_per_request"]),
}
FIGURES = {
    "A1": ["start_to_ack_ms"],
    "A2": ["p50_ms", "p99_ms", "worst_ms", "times"],
    "A3": ["stop_worst_ms", "rebalance_worst_ms", "times"],
    "A4": ["p50_ms", "worst_ms", "times"],
    "A5": ["answer_ms", "in_sync_ms", "log_gb"],
    "A6": ["create_ms", "more_pss_mb", "idle_cpu_percent", "start_to_ack_ms", "start_to_ready_ms", "kill_to_ready_ms"],
} | {name: figures for name, (_, figures) in LOADS.items()}


class Node:
    """One process of a cluster; its ports stay when it is started again."""

    def __init__(self, number, folder, command, ready):
        self.number, self.folder, self.command, self.ready = number, folder, command, ready
        self.process = None

    def launch(self):
        """Begins; when it answers somebody has to find out."""
        self.ready.unlink(missing_ok=True)
        self.process = subprocess.Popen([str(word) for word in self.command], stdout=subprocess.DEVNULL,
                                        stderr=open(self.folder / "log", "a"), cwd=self.folder)

    def check(self):
        if self.process.poll() is not None:
            sys.exit(f"node {self.number} ended:\n" + (self.folder / "log").read_text()[-3000:])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    """Three nodes. Whoever made it stops it. recycles: it looks often for what is past its retention (RECYCLED)."""

    def __init__(self, folder, load, recycles):
        self.folder, self.load, self.recycles = Path(folder), load, recycles
        self.ports = {number: free_port() for number in NODES}
        self.internal = {number: free_port() for number in NODES}
        self.nodes = {}
        for number in NODES:
            (self.folder / str(number)).mkdir()
            self.nodes[number] = self.make(number, self.folder / str(number))

    def launch(self):
        for node in self.nodes.values():
            node.launch()

    def stop(self):
        for node in self.nodes.values():
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes.values():
            stop(node)

    def check(self):
        for node in self.nodes.values():
            node.check()

    @property
    def at(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    @property
    def pids(self):
        return ",".join(str(node.process.pid) for node in self.nodes.values())

    def ask(self, command, topic, *arguments, at=None, check=True):
        done = subprocess.run([str(self.load), command, "--topic", topic, "--at", at or self.at, *map(str, arguments)],
                              text=True, capture_output=True)
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
        if check:
            sys.exit(f"kafka_load {command} {topic} against {self.name}: {done.stdout}{done.stderr}")
        return None

    def create(self, topic, partitions=PARTITIONS, configs=RECYCLED):
        self.ask("create", topic, "--partitions", partitions, "--copies", 3, "--patience", 120, "--configs",
                 f"min.insync.replicas=2,{configs}")
        self.await_in_sync(topic)

    def await_in_sync(self, topic, number=None):
        """All copies in sync and all brokers there, as the given node or any of them says."""
        at = None if number is None else f"127.0.0.1:{self.ports[number]}"
        while True:
            told = self.ask("where", topic, at=at, check=False)
            if told and told["brokers"] == 3 and min(told["in_sync"], default=0) == 3 and min(told["leaders"]) > 0:
                return told
            self.check()
            time.sleep(0.005)

    def answers(self, number, topic):
        return self.ask("where", topic, at=f"127.0.0.1:{self.ports[number]}", check=False) is not None


class LeatCluster(Cluster):
    name = "leat"

    def __init__(self, folder, load, recycles, programs):
        self.programs = programs
        self.secret = Path(folder) / "secret"
        self.secret.write_text(os.urandom(32).hex())
        self.secret.chmod(0o600)
        self.grpc = {number: free_port() for number in NODES}
        super().__init__(folder, load, recycles)

    def make(self, number, folder):
        voters = ",".join(f"{n}@127.0.0.1:{port}" for n, port in self.internal.items())
        settings = {
            "node_id": number, "data_dir": folder / "data", "listeners.grpc": f"127.0.0.1:{self.grpc[number]}",
            "listeners.admin": "127.0.0.1:0", "listeners.kafka": f"127.0.0.1:{self.ports[number]}",
            "listeners.internal": f"127.0.0.1:{self.internal[number]}", "cluster.voters": voters,
            "cluster.secret_file": self.secret, "log.durability": "page-cache"}
        if self.recycles:
            settings["log.retention_check_interval"] = "500ms"
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        return Node(number, folder, [self.programs / "leatd", "--ready-file", folder / "ready", *words], folder / "ready")

    def is_ready(self, number, _topic):
        with contextlib.suppress(FileNotFoundError):
            return self.nodes[number].ready.read_text().endswith("\n")
        return False

    def rebalance(self):
        address = ",".join(f"127.0.0.1:{port}" for port in self.grpc.values())
        run(self.programs / "leat", "--address", address, "cluster", "rebalance")


class KafkaCluster(Cluster):
    name = "kafka"

    def __init__(self, folder, load, recycles):
        self.java = ["java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-cp", f"{Kafka.setup()}/*"]
        super().__init__(folder, load, recycles)

    def make(self, number, folder):
        voters = ",".join(f"{n}@127.0.0.1:{port}" for n, port in self.internal.items())
        kafka, controller = self.ports[number], self.internal[number]
        properties = folder / "server.properties"
        properties.write_text("\n".join([
            "process.roles=broker,controller", f"node.id={number}", f"controller.quorum.voters={voters}",
            f"listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{kafka}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", f"log.dirs={folder / 'data'}",
            "offsets.topic.replication.factor=3", "transaction.state.log.replication.factor=3",
            "transaction.state.log.min.isr=2", "group.initial.rebalance.delay.ms=0",
            *(["log.retention.check.interval.ms=500", "log.initial.task.delay.ms=0"] if self.recycles else []), ""]))
        run(*self.java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", properties)
        return Node(number, folder, [*self.java, "kafka.Kafka", properties], folder / "ready")

    def is_ready(self, number, topic):
        return self.answers(number, topic)


class Probe:
    """kafka_load probe in the background, and what it tells: instants of the monotonic clock, in ns."""

    def __init__(self, cluster, topic, *arguments):
        self.process = subprocess.Popen(
            [str(cluster.load), "probe", "--topic", topic, "--at", cluster.at, *map(str, arguments)],
            stdout=subprocess.PIPE, text=True)
        self.gaps = []

    def next_gap(self):
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("the probe ended")
            told = json.loads(line)
            if "to_ns" in told:
                self.gaps.append((told["from_ns"], told["to_ns"]))
                return self.gaps[-1]

    def back_after_ms(self, broken_ns):
        """From an instant to the first acknowledgement of the gap that holds it."""
        while True:
            _, to_ns = self.next_gap()
            if to_ns > broken_ns:
                return (to_ns - broken_ns) / 1e6

    def longest_ms_until_end(self, began_ns):
        """Ends the probe: of the gaps that ended since then the longest; 0 if none was long enough to be told."""
        self.process.terminate()
        for line in self.process.stdout:
            told = json.loads(line)
            if "to_ns" in told:
                self.gaps.append((told["from_ns"], told["to_ns"]))
        self.process.wait()
        return max((to - max(begin, began_ns) for begin, to in self.gaps if to > began_ns), default=0) / 1e6

    def end(self):
        self.process.terminate()
        self.process.communicate()


def quantile(values, q):
    return sorted(values)[min(int(q * len(values)), len(values) - 1)]


def start(cluster):
    """Launches all; from there to the first acknowledged write, in ms."""
    began = time.monotonic_ns()
    cluster.launch()
    probe = Probe(cluster, "first", "--seconds", 300)
    cluster.ask("create", "first", "--partitions", 1, "--copies", 3, "--patience", 120, "--configs", "min.insync.replicas=2")
    acknowledged = probe.back_after_ms(began)
    probe.end()
    return {"start_to_ack_ms": acknowledged}


def produce(cluster, row, options):
    topic = row.lower()
    cluster.create(topic)
    arguments, _ = LOADS[row]
    return cluster.ask("produce", topic, "--partitions", PARTITIONS, *arguments, "--seconds", options.seconds, "--warm",
                       options.warm, "--pid", cluster.pids)


def kill_leaders(cluster, options):
    cluster.create("killed", 1)
    took = []
    for _ in range(options.times[cluster.name]):
        leader = cluster.await_in_sync("killed")["leaders"][0]
        probe = Probe(cluster, "killed")
        probe.next_gap()  # the first acknowledgement
        killed = time.monotonic_ns()
        cluster.nodes[leader].kill()
        took.append(probe.back_after_ms(killed))
        probe.end()
        cluster.nodes[leader].launch()
    cluster.await_in_sync("killed")
    return {"p50_ms": quantile(took, 0.5), "p99_ms": quantile(took, 0.99), "worst_ms": max(took), "times": len(took)}


def move_leaders(cluster, options):
    """Under load on other partitions a leader is stopped in order; then the preferred one leads again."""
    cluster.create("moved", PARTITIONS)
    stops, rebalances = [], []
    for _ in range(options.times[cluster.name]):
        leader = cluster.await_in_sync("moved")["leaders"][0]
        loads = [Probe(cluster, "moved", "--partition", partition, "--records", 60, "--size", 1000)
                 for partition in range(1, PARTITIONS)]
        probe = Probe(cluster, "moved", "--gap-ms", 2)
        probe.next_gap()
        began = time.monotonic_ns()
        stop(cluster.nodes[leader])
        time.sleep(1)
        stops.append(probe.longest_ms_until_end(began))
        cluster.nodes[leader].launch()
        cluster.await_in_sync("moved")
        if cluster.name == "leat":
            probe = Probe(cluster, "moved", "--gap-ms", 2)
            probe.next_gap()
            began = time.monotonic_ns()
            cluster.rebalance()
            time.sleep(1)
            rebalances.append(probe.longest_ms_until_end(began))
        for one in loads:
            one.end()
    return {"stop_worst_ms": max(stops), "rebalance_worst_ms": max(rebalances, default=float("nan")), "times": len(stops)}


def kill_controllers(cluster, options):
    cluster.create("changed", 1)
    took = []
    for _ in range(options.times[cluster.name]):
        controller = cluster.await_in_sync("changed")["controller"]
        probe = Probe(cluster, "changed", "--changes", "--timeout-ms", 500)
        probe.next_gap()
        killed = time.monotonic_ns()
        cluster.nodes[controller].kill()
        took.append(probe.back_after_ms(killed))
        probe.end()
        cluster.nodes[controller].launch()
        # The others count on it until they have missed it: it says itself that it is back. Two of three would be down.
        cluster.await_in_sync("changed", controller)
    return {"p50_ms": quantile(took, 0.5), "worst_ms": max(took), "times": len(took)}


def large_log(cluster, options):
    start(cluster)
    cluster.create("large", PARTITIONS, KEPT)
    victim = cluster.nodes[2]
    while bytes_below(victim.folder) < options.log_gb * 1e9:
        cluster.ask("produce", "large", "--partitions", PARTITIONS, *LOADS["C1"][0], "--seconds", 5)
    victim.kill()
    log_gb = bytes_below(victim.folder) / 1e9
    began = time.monotonic()
    victim.launch()
    while not cluster.answers(2, "large"):
        victim.check()
    answered = time.monotonic()
    cluster.await_in_sync("large", 2)
    return {"answer_ms": (answered - began) * 1000, "in_sync_ms": (time.monotonic() - began) * 1000, "log_gb": log_gb}


def await_ready(cluster, numbers, topic):
    for number in numbers:
        while not cluster.is_ready(number, topic):
            cluster.check()
            time.sleep(0.002)


def many_partitions(cluster, options):
    start(cluster)
    time.sleep(5)
    before = [idle(node, 5) for node in cluster.nodes.values()]
    began = time.monotonic()
    names = [f"many-{i}" for i in range(options.many // MANY_PARTITIONS)]
    for name in names:
        cluster.ask("create", name, "--partitions", MANY_PARTITIONS, "--copies", 3, "--patience", 120, "--configs",
                    "min.insync.replicas=2")
    for name in names:
        cluster.await_in_sync(name)
    created = time.monotonic() - began
    time.sleep(10)
    after = [idle(node, 10) for node in cluster.nodes.values()]
    figures = {"create_ms": created * 1000,
               "more_pss_mb": max(b["pss_mb"] - a["pss_mb"] for a, b in zip(before, after)),
               "idle_cpu_percent": max(b["cpu_percent"] for b in after)}
    cluster.stop()
    started = time.monotonic()
    figures |= start(cluster)
    await_ready(cluster, NODES, names[-1])
    figures["start_to_ready_ms"] = (time.monotonic() - started) * 1000
    for name in names:
        cluster.await_in_sync(name)
    cluster.nodes[2].kill()
    killed = time.monotonic()
    cluster.nodes[2].launch()
    await_ready(cluster, [2], names[-1])
    figures["kill_to_ready_ms"] = (time.monotonic() - killed) * 1000
    return figures


SHARED = {"A2": kill_leaders, "A3": move_leaders, "A4": kill_controllers}
OWN = {"A5": large_log, "A6": many_partitions}


@contextlib.contextmanager
def cluster_of(kind, options, recycles):
    folder = tempfile.mkdtemp(prefix="leat-cluster-")
    cluster = None
    try:
        made = (folder, options.load, recycles)
        cluster = LeatCluster(*made, options.programs) if kind == "leat" else KafkaCluster(*made)
        yield cluster
    finally:
        for node in cluster.nodes.values() if cluster else []:
            if node.process is not None and node.process.poll() is None:
                node.kill()
        shutil.rmtree(folder)


def measure(kind, rows, options):
    figures = {}
    shared = [row for row in rows if row not in OWN]
    if shared:
        with cluster_of(kind, options, True) as cluster:
            touch_page_cache(cluster.folder, options.touch)
            figures["A1"] = start(cluster)
            for row in shared:
                if row in LOADS:
                    figures[row] = produce(cluster, row, options)
                elif row in SHARED:
                    figures[row] = SHARED[row](cluster, options)
            cluster.stop()
    for row in [r for r in rows if r in OWN]:
        with cluster_of(kind, options, False) as cluster:
            figures[row] = OWN[row](cluster, options)
    return figures


def report(rows, pairs):
    print(f"{'row':4} {'figure':22} {'leat':>10} {'kafka':>10} {'ratio':>7}  of each pair")
    for row in rows:
        for figure in FIGURES[row]:
            values = {kind: [pair[kind][row][figure] for pair in pairs if kind in pair] for kind in ("leat", "kafka")}
            medians = {kind: statistics.median(found) for kind, found in values.items() if found}
            ratios = [a / b if b else float("nan") for a, b in zip(values["leat"], values["kafka"])]
            cells = [f"{medians[kind]:10.2f}" if kind in medians else f"{'-':>10}" for kind in ("leat", "kafka")]
            ratio = f"{statistics.median(ratios):7.3f}" if ratios else f"{'-':>7}"
            print(f"{row:4} {figure:22} {' '.join(cells)} {ratio}  {' '.join(f'{r:.3f}' for r in ratios)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--rows", default=",".join(FIGURES))
    parser.add_argument("--only", choices=("leat", "kafka"), help="one side")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm", type=float, default=20, help="seconds before each load (Kafka's JIT needs them)")
    parser.add_argument("--touch", type=int, default=4, help="GiB of page cache to touch before each cluster")
    parser.add_argument("--times", type=int, default=20, help="how often leatd's leaders and controllers are killed")
    parser.add_argument("--kafka-times", type=int, default=3, help="and Kafka's, which takes longer")
    parser.add_argument("--log-gb", type=float, default=10, help="of A5's log on each node")
    parser.add_argument("--many", type=int, default=10_000, help="partitions of A6")
    parser.add_argument("--programs", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--load", type=Path, default=ROOT / "build/release/bin/kafka_load")
    parser.add_argument("--json", type=Path, help="keep every figure here")
    options = parser.parse_args()
    options.times = {"leat": options.times, "kafka": options.kafka_times}
    rows = options.rows.split(",")
    unknown = [row for row in rows if row not in FIGURES]
    if unknown:
        parser.error(f"--rows: expected some of {','.join(FIGURES)}, got {','.join(unknown)}")
    pairs = []
    for pair in range(options.pairs):
        figures = {}
        for kind in ("leat", "kafka") if pair % 2 == 0 else ("kafka", "leat"):
            if options.only in (None, kind):
                figures[kind] = measure(kind, rows, options)
                load = Path("/proc/loadavg").read_text().strip()
                print(f"pair {pair + 1} of {options.pairs}: {kind} done, load average {load}", file=sys.stderr, flush=True)
        pairs.append(figures)
        if options.json:
            options.json.write_text(json.dumps(pairs, indent=1))
    report(rows, pairs)


if __name__ == "__main__":
    main()
