#!/usr/bin/env python3
"""Measures leatd against Apache Kafka on this machine, in interleaved pairs, and prints ratios (ours / Kafka's).

    bench/compare/compare.py [--pairs N] [--rows B1,B3] [--seconds S] [--warm S] [--json FILE]

Rows by name: B1, B1b, B2, B3, B6 are loads of kafka_load; B9 the start; B10 the idle server; B13 what 2,000 partitions
add; B17 transactions of librdkafka's Python client; B12 a kill -9 under load and the start after it. A server runs the
rows in that order: the later ones leave more behind.

Needs java and mvn (Kafka's jars come from Maven Central, once, into a cache folder), and the programs leatd (release
preset) and kafka_load (bench preset). Only one server runs at a time, each on a fresh data directory; the page cache is
touched before each, and topics that are written to keep little, because the first touch of memory that the machine has
not used yet costs more than the work. Both acknowledge from the page cache: that is Kafka's default, and leatd's
durability class page-cache.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leat-compare"
KAFKA_VERSION = "4.3.1"
CONFLUENT_KAFKA_VERSION = "2.16.1"

# Each row: the arguments of kafka_load, and the figures that are compared.
ROWS = {
    "B1": ("produce 60 x 1 KB, 4 connections x 4",
           ["produce", "--topic", "b1", "--partitions", "4", "--connections", "4", "--depth", "4", "--records", "60",
            "--size", "1000"], ["server_cpu_s_per_gb", "mb_per_s", "p99_us", "p999_us", "server_peak_rss_mib"]),
    "B1b": ("produce 1000 x 100 B, 4 connections x 4",
            ["produce", "--topic", "b1b", "--partitions", "4", "--connections", "4", "--depth", "4", "--records", "1000",
             "--size", "100"], ["server_cpu_s_per_gb", "mb_per_s", "p99_us"]),
    "B2": ("fetch 1 MiB, 4 connections, warm",
           ["fetch", "--topic", "b2", "--partitions", "4", "--connections", "4"], ["server_cpu_s_per_gb", "mb_per_s"]),
    "B3": ("produce 1 x 100 B, 64 connections x 1",
           ["produce", "--topic", "b3", "--partitions", "4", "--connections", "64", "--records", "1", "--size", "100"],
           ["server_us_per_request", "requests_per_s", "p99_us", "p999_us"]),
    "B6": ("produce 10 x 1 KB, 2,000 requests/s open loop",
           ["produce", "--topic", "b6", "--partitions", "4", "--connections", "8", "--records", "10", "--size", "1000",
            "--rate", "2000"], ["server_us_per_request", "p50_us", "p99_us", "p999_us"]),
}


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, text=True, capture_output=True, **options).stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def touch_page_cache(folder, gib):
    """Writes and removes a large file, so that the machine has the memory at hand that the logs will fill."""
    path = Path(folder) / "touch"
    block = b"\0" * (8 << 20)
    with open(path, "wb") as out:
        for _ in range(gib * 128):
            out.write(block)
    path.unlink()


# What a topic that is written to without end keeps: its oldest segments go within a second or two, so that the memory
# of their pages is used again. Otherwise every new page would be the machine's first use of some memory, which costs
# several times the work itself and hits whoever comes second.
RECYCLED = "retention.bytes=200000000,segment.bytes=67108864,file.delete.delay.ms=500"
KEPT = "retention.bytes=3000000000"


class Kafka:
    name = "kafka"
    process = None

    def __init__(self, folder):
        self.folder = Path(folder)

    @staticmethod
    def setup():
        lib = CACHE / f"kafka-{KAFKA_VERSION}"
        if not (lib / "done").exists():
            lib.mkdir(parents=True, exist_ok=True)
            artifacts = "".join(
                f"<dependency><groupId>org.apache.kafka</groupId><artifactId>{a}</artifactId>"
                f"<version>{KAFKA_VERSION}</version></dependency>" for a in ("kafka_2.13", "kafka-tools"))
            (lib / "pom.xml").write_text(
                "<project><modelVersion>4.0.0</modelVersion><groupId>p</groupId><artifactId>k</artifactId>"
                f"<version>1</version><packaging>pom</packaging><dependencies>{artifacts}</dependencies></project>")
            run("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", cwd=lib)
            (lib / "done").touch()
        return lib / "lib"

    def start(self):
        lib, self.port, controller = self.setup(), free_port(), free_port()
        port = self.port
        logs = self.folder / "logs"
        (self.folder / "server.properties").write_text("\n".join([
            "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{controller}",
            f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", f"log.dirs={logs}",
            "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0",
            "log.retention.check.interval.ms=500", "log.initial.task.delay.ms=0", ""]))
        self.java = ["java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-cp", f"{lib}/*"]
        run(*self.java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c",
            self.folder / "server.properties")
        self.launch()

    def launch(self):
        self.process = subprocess.Popen([*self.java, "kafka.Kafka", str(self.folder / "server.properties")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.address = f"127.0.0.1:{self.port}"
        wait_for_port(self.process, self.port)


class Leat:
    name = "leat"
    process = None

    def __init__(self, folder, leatd):
        self.folder, self.leatd = Path(folder), leatd

    def start(self):
        self.launch()

    def launch(self):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [str(self.leatd), "--ready-file", str(ready), "--set", f"data_dir={self.folder / 'data'}", "--set",
             "listeners.grpc=127.0.0.1:0", "--set", "listeners.admin=127.0.0.1:0", "--set", "listeners.kafka=127.0.0.1:0", "--set",
             "log.durability=page-cache", "--set", "log.retention_check_interval=500ms"],
            stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "w"))
        while not ready.exists() or not ready.read_text().endswith("\n"):
            if self.process.poll() is not None:
                sys.exit("leatd ended: " + (self.folder / "log").read_text())
            time.sleep(0.001)
        self.address = json.loads(ready.read_text())["kafka"]


def wait_for_port(process, port):
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    sys.exit("the server ended before it listened")


def stop(server):
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(60)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def load(program, server, *arguments):
    done = subprocess.run([str(program), *arguments, "--at", server.address], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"kafka_load {' '.join(arguments)} against {server.name}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def create(program, server, topic, partitions=4, configs=RECYCLED):
    load(program, server, "create", "--topic", topic, "--partitions", str(partitions), "--configs", configs)


def acknowledge(program, server, topic, partitions=4, seconds=0.001):
    """Until every produce within some time is acknowledged: a topic that has just been made may not have its leaders."""
    while True:
        done = subprocess.run([str(program), "produce", "--topic", topic, "--partitions", str(partitions),
                               "--connections", "4", "--seconds", str(seconds), "--at", server.address], capture_output=True)
        if done.returncode == 0:
            return
        if server.process.poll() is not None:
            sys.exit(f"{server.name} ended")


def idle(server, seconds):
    """Proportional set size in MB and CPU in percent of a core, of a server that nobody asks for anything."""
    stat = Path(f"/proc/{server.process.pid}/stat")
    ticks = lambda: sum(int(x) for x in stat.read_text().rsplit(")", 1)[1].split()[11:13])
    before = ticks()
    time.sleep(seconds)
    cpu = (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds * 100
    rollup = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return {"pss_mb": pss * 1024 / 1e6, "cpu_percent": cpu}


def create_many(program, server, topic):
    """2,000 partitions: four topics, of which the last one is called `topic`."""
    names = [f"{topic}-{i}" for i in range(3)] + [topic]
    for name in names:
        create(program, server, name, 500, KEPT)
    for name in names:
        acknowledge(program, server, name, 500)


def many_partitions(server, options):
    """What 2,000 partitions that nobody uses add to the idle server."""
    time.sleep(5)
    before = idle(server, 10)
    began = time.monotonic()
    create_many(options.load, server, "many")
    created = time.monotonic() - began
    time.sleep(10)
    after = idle(server, 10)
    return {"more_pss_mb": after["pss_mb"] - before["pss_mb"], "cpu_percent": after["cpu_percent"],
            "create_ms": created * 1000}


def transactions(server, options):
    """Transactions of 100 x 100 B over 4 partitions, one after the other, by a producer of confluent-kafka."""
    python = CACHE / "python"
    if not (python / "done").exists():
        run(sys.executable, "-m", "venv", python)
        run(python / "bin" / "pip", "install", "-q", f"confluent-kafka=={CONFLUENT_KAFKA_VERSION}")
        (python / "done").touch()
    create(options.load, server, "txn")
    acknowledge(options.load, server, "txn")
    return json.loads(run(python / "bin" / "python", Path(__file__).with_name("transactions.py"), server.address, "txn",
                          str(options.seconds), str(min(options.warm, 5))))


def bytes_below(folder):
    """What is written of the files below a folder; they come and go while this looks."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(os.path.join(path, name)).st_blocks * 512
    return total


def recovery(server, options):
    """kill -9 under load, then from the start of the new process to its first acknowledged produce."""
    create_many(options.load, server, "recovery")
    producer = subprocess.Popen(
        [str(options.load), "produce", "--topic", "recovery", "--partitions", "500", "--connections", "64", "--records",
         "60", "--size", "1000", "--seconds", "3600", "--at", server.address], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    size = 0
    while size < options.recovery_gb * 1e9:
        if producer.poll() is not None:
            sys.exit(f"the load against {server.name} ended")
        time.sleep(0.2)
        size = bytes_below(server.folder)
    server.process.kill()
    server.process.wait()
    producer.wait()
    began = time.monotonic()
    server.launch()
    acknowledge(options.load, server, "recovery", 500)
    return {"kill_to_ack_ms": (time.monotonic() - began) * 1000, "data_gb": size / 1e9}


# Rows that are not a load of kafka_load: how they are measured, and the figures that are compared.
OTHER_ROWS = {
    "B17": (transactions, ["transactions_per_s", "commit_p50_ms", "commit_p99_ms", "commit_p999_ms"]),
    "B12": (recovery, ["kill_to_ack_ms", "data_gb"]),
}


def measure(server, rows, options):
    """All rows of one server that has just been started."""
    began = time.monotonic()
    server.start()
    create(options.load, server, "first")
    acknowledge(options.load, server, "first")
    figures = {"B9": {"start_to_first_ack_ms": (time.monotonic() - began) * 1000}}
    if "B10" in rows:
        time.sleep(5)
        figures["B10"] = idle(server, 10)
    if "B13" in rows:
        figures["B13"] = many_partitions(server, options)
    for row in [r for r in rows if r in ROWS]:
        _, arguments, _ = ROWS[row]
        topic = arguments[arguments.index("--topic") + 1]
        create(options.load, server, topic, configs=KEPT if row == "B2" else RECYCLED)
        acknowledge(options.load, server, topic, seconds=0.2)
        if row == "B2":  # something to read
            load(options.load, server, "produce", "--topic", topic, "--partitions", "4", "--connections", "4", "--records",
                 "60", "--size", "1000", "--depth", "4", "--seconds", "3")
        figures[row] = load(options.load, server, *arguments, "--seconds", str(options.seconds), "--warm",
                            str(options.warm), "--pid", str(server.process.pid))
    for row in [r for r in OTHER_ROWS if r in rows]:
        figures[row] = OTHER_ROWS[row][0](server, options)
    stop(server)
    return figures


def report(rows, pairs):
    compared = {name: figures for name, (_, _, figures) in ROWS.items()}
    compared |= {"B9": ["start_to_first_ack_ms"], "B10": ["pss_mb", "cpu_percent"],
                 "B13": ["more_pss_mb", "cpu_percent", "create_ms"]}
    compared |= {name: figures for name, (_, figures) in OTHER_ROWS.items()}
    print(f"{'row':5} {'figure':24} {'leat':>10} {'kafka':>10} {'ratio':>7}  of each pair")
    for row in rows:
        for figure in compared[row]:
            ours = [p["leat"][row][figure] for p in pairs]
            theirs = [p["kafka"][row][figure] for p in pairs]
            ratios = [a / b if b else float("nan") for a, b in zip(ours, theirs)]
            print(f"{row:5} {figure:24} {statistics.median(ours):10.2f} {statistics.median(theirs):10.2f} "
                  f"{statistics.median(ratios):7.3f}  {' '.join(f'{r:.3f}' for r in ratios)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--rows", default=",".join(["B9", "B10", "B13", *ROWS, *OTHER_ROWS]))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm", type=float, default=20, help="seconds before each row (Kafka's JIT needs them)")
    parser.add_argument("--touch", type=int, default=4, help="GiB of page cache to touch before each server")
    parser.add_argument("--recovery-gb", type=float, default=8, help="of B12's log when the server is killed")
    parser.add_argument("--leatd", type=Path, default=ROOT / "build/release/bin/leatd")
    parser.add_argument("--load", type=Path, default=ROOT / "build/bench/bin/kafka_load")
    parser.add_argument("--json", type=Path, help="keep every figure here")
    options = parser.parse_args()
    for program in (options.leatd, options.load):
        if not program.exists():  # told before a server is started that nobody would stop
            parser.error(f"{program} is not there: --leatd and --load name the programs")
    Kafka.setup()
    rows = options.rows.split(",")
    pairs = []
    for pair in range(options.pairs):
        figures = {}
        for kind in ("leat", "kafka") if pair % 2 == 0 else ("kafka", "leat"):
            folder = tempfile.mkdtemp(prefix="leat-compare-")
            server = Leat(folder, options.leatd) if kind == "leat" else Kafka(folder)
            try:
                touch_page_cache(folder, options.touch)
                figures[kind] = measure(server, rows, options)
            finally:
                if server.process is not None and server.process.poll() is None:
                    server.process.kill()  # a row failed
                    server.process.wait()
                shutil.rmtree(folder)
            print(f"pair {pair + 1} of {options.pairs}: {kind} done", file=sys.stderr)
        pairs.append(figures)
        if options.json:
            options.json.write_text(json.dumps(pairs, indent=1))
    report(rows, pairs)


if __name__ == "__main__":
    main()
