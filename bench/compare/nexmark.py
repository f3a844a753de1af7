#!/usr/bin/env python3
"""Measures leatd's stream engine with Nexmark-like queries, beside Apache Flink if that is there.

    bench/compare/nexmark.py [--events N] [--queries q0,q5] [--sinks blackhole,topic] [--rounds N]
    bench/compare/nexmark.py --latency 20000
    bench/compare/nexmark.py --submits 20
    bench/compare/nexmark.py --queries q5 --perf FOLDER

Every query runs first over --check-events, into a topic, and its rows are compared with those of nexmark_check.py, which
computes them without the engine: a query that gives anything else is not measured. Then it runs as a bounded job
over --events, and is told in events per CPU-second of the whole leatd process (user and system: the log is read, the
state kept and the output written in it) and its peak memory. Jobs deliver exactly once; the log acknowledges from
the page cache. With --latency, q0 runs without an end while bids come at that rate, and what is told is how long each
takes from the moment at which it was due to a reader of committed records; the programs share the machine.

With --flink each measurement is followed by Flink's (tools/flinkrun), which reads the same topic over Kafka's protocol
and keeps its state in RocksDB, and its rows are compared in the same way. Of two iterations in one JVM the second, warm
one counts. Needs Java 17 and Maven.

Programs: leatd, leat and nexmark of the release preset with -DLEAT_BUILD_BENCH=ON.
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

import nexmark_check

ROOT = Path(__file__).resolve().parents[2]
SQL = Path(__file__).with_name("nexmark")
PARTITIONS = 4


class Broker:
    """A leatd of its own in a fresh folder, loaded with events."""

    def __init__(self, folder, options):
        self.folder, self.bin, self.options = Path(folder), options.bin, options
        self.jobs = 0
        self.start()

    def start(self):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        sets = [f"data_dir={self.folder / 'data'}", "listeners.grpc=127.0.0.1:0", "listeners.admin=127.0.0.1:0",
                "listeners.kafka=127.0.0.1:0", "log.durability=page-cache", *self.options.set]
        command = [self.bin / "leatd", "--ready-file", ready]
        for key in sets:
            command += ["--set", key]
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL,
                                        stderr=open(self.folder / "log", "a"))
        while not ready.exists() or not ready.read_text().endswith("\n"):
            if self.process.poll() is not None:
                sys.exit("leatd ended: " + (self.folder / "log").read_text())
            time.sleep(0.001)
        addresses = json.loads(ready.read_text())
        self.address, self.kafka = addresses["grpc"], addresses["kafka"]

    def leat(self, *arguments, **options):
        done = subprocess.run([str(self.bin / "leat"), "--address", self.address, *map(str, arguments)], text=True,
                              capture_output=True, **options)
        if done.returncode != 0:
            sys.exit(f"leat {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout

    def create(self, topic):
        self.leat("topic", "create", topic, "--partitions", PARTITIONS)

    def load(self, events):
        """Makes the topics of the queries and keeps the events in files, for the check."""
        files = self.folder / "events"
        files.mkdir()
        subprocess.run([self.bin / "nexmark", "events", "--seed", str(self.options.seed), "--events", str(events),
                        "--partitions", str(PARTITIONS), files], check=True)
        for topic, extra in (("nexmark", []), ("nexmark_ch", ["--key-separator", "\t"])):
            self.create(topic)
            for partition in range(PARTITIONS):
                self.leat("produce", topic, "--file", files / f"{topic}.{partition}", "--input-format", "text",
                          "--partition", partition, *extra)
        return files

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6

    def script(self, query, out, bound, settings):
        """A name for a query's job and the file of its script, into the topic `out` or, without one, into nothing."""
        self.jobs += 1
        name = f"{query}-{self.jobs}"
        if out:
            where = f"'topic' = '{out}', 'properties.bootstrap.servers' = '{self.kafka}'"
            sink = f"'connector' = 'kafka', {where}, 'format' = 'json'"
            upserts = f"'connector' = 'upsert-kafka', {where}, 'key.format' = 'json', 'value.format' = 'json'"
        else:
            sink = upserts = "'connector' = 'blackhole'"
        script = "".join(f"SET '{key}' = '{value}';\n" for key, value in (s.split("=", 1) for s in settings))
        script += (SQL / "tables.sql").read_text() + (SQL / f"{query}.sql").read_text()
        values = {"UPSERT_SINK": upserts, "SINK": sink, "KAFKA": self.kafka, "GROUP": name, "BOUND": bound}
        for key, value in values.items():
            script = script.replace("${" + key + "}", value)
        path = self.folder / f"{name}.sql"
        path.write_text(script)
        return name, path

    def submit(self, query, out, bound="latest-offset", settings=()):
        """Starts a query as a job of its own."""
        name, path = self.script(query, out, bound, settings)
        self.leat("job", "submit", path, "--name", name)
        return name

    def job(self, name):
        return json.loads(self.leat("job", "describe", name, "-o", "json"))

    def finish(self, name):
        while True:
            job = self.job(name)
            state = job["state"].lower()
            if state == "finished":
                break
            if state == "failed" or self.process.poll() is not None:
                sys.exit(f"{name}: {job}")
            time.sleep(0.1)
        return job

    def lines(self, topic):
        return self.leat("consume", topic, "--from-beginning", "--exit-at-end", "--format", r"%k\t%v\n").splitlines()

    def delete(self, name, out):
        self.leat("job", "delete", name, "--yes")
        if out:
            self.leat("topic", "delete", out, "--yes")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def broker(options):
    folder = tempfile.mkdtemp(prefix="leat-nexmark-", dir=options.folder)
    made = Broker(folder, options)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def flink(options, server, query, out, iterations):
    """The last iteration's figures, as tools/flinkrun prints them."""
    name, script = server.script(query, out, "latest-offset", [])
    # What Flink needs for a grouped aggregate to be at its best.
    batches = ["--set", "table.exec.mini-batch.enabled=true", "--set", "table.exec.mini-batch.allow-latency=2s", "--set",
               "table.exec.mini-batch.size=50000"] if query == "q4" else []
    done = subprocess.run([ROOT / "tools/flinkrun", "--iterations", str(iterations), *batches, script], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"Flink, {name}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def check(options, queries):
    """The queries whose rows are right."""
    good = []
    with broker(options) as server:
        events = nexmark_check.Events(server.load(options.check_events))
        for query in queries:
            expected = nexmark_check.EXPECTED[query](events)
            told = []
            for who in ["leat", "flink"] if options.flink else ["leat"]:
                out = f"out-{who}-{query}"
                server.create(out)
                if who == "leat":
                    job = server.finish(server.submit(query, out, settings=options.job_set))
                    told += [f"leat: {job[k]} {k}" for k in ("rows_late", "rows_dead") if int(job.get(k, 0)) > 0]
                else:
                    flink(options, server, query, out, 1)
                wrong = nexmark_check.difference(expected, nexmark_check.rows_of(query, server.lines(out)))
                if wrong:
                    told.append(f"{who}: {wrong}")
            print(f"check {query}: " + ("; ".join(told) or f"{sum(expected.values())} rows, right"), flush=True)
            if not told:
                good.append(query)
    return good


def measure(options, server, query, sink):
    out = f"out-{query}" if sink == "topic" else ""
    if out:
        server.create(out)
    server.forget_peak()
    sampler = None
    if options.perf:
        options.perf.mkdir(parents=True, exist_ok=True)
        sampler = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-g", "--call-graph", "fp", "-p",
                                    str(server.process.pid), "-o", str(options.perf / f"{query}-{sink}.data")],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
    before, began = server.cpu(), time.monotonic()
    name = server.submit(query, out, settings=options.job_set)
    job = server.finish(name)
    cpu, wall = server.cpu() - before, time.monotonic() - began
    if sampler:
        sampler.send_signal(signal.SIGINT)
        sampler.wait()
    peak = server.peak_mb()
    server.delete(name, out)
    return {"who": "leat", "query": query, "sink": sink, "events": options.events, "cpu_s": cpu, "wall_s": wall,
            "events_per_cpu_s": options.events / cpu, "peak_mb": peak, "rows_out": job["rows_out"]}


def measure_flink(options, server, query, sink):
    out = f"out-flink-{query}" if sink == "topic" else ""
    if out:
        server.create(out)
    theirs = flink(options, server, query, out, 2)
    if out:
        server.leat("topic", "delete", out, "--yes")
    return {"who": "flink", "query": query, "sink": sink, "events": options.events,
            "events_per_cpu_s": options.events / theirs["cpu_s"], **{k: theirs[k] for k in ("cpu_s", "wall_s", "peak_mb")}}


def latency(options):
    """q0 without an end, exactly once, at a fixed rate."""
    with broker(options) as server:
        for topic in ("nexmark", "nexmark_ch", "out"):
            server.create(topic)
        name = server.submit("q0", "out", "unbounded", options.job_set)
        while server.job(name)["state"].lower() != "running":
            time.sleep(0.05)
        done = subprocess.run([server.bin / "nexmark", "latency", "--address", server.address, "--partitions", str(PARTITIONS),
                               "--rate", str(options.latency), "--seconds", str(options.seconds), "nexmark", "out"],
                              text=True, capture_output=True)
        print(done.stdout.strip() or done.stderr)
        return done.returncode


def submits(options):
    """From `leat job submit` to the first row that a reader of committed records has, the start of both programs included."""
    with broker(options) as server:
        server.load(1000)
        took = []
        for i in range(options.submits):
            out = f"out-{i}"
            server.create(out)
            reader = subprocess.Popen([server.bin / "leat", "--address", server.address, "consume", out, "--from-beginning",
                                       "--count", "1"], stdout=subprocess.PIPE)
            began = time.monotonic()
            name = server.submit("q0", out, "unbounded", options.job_set)
            accepted = time.monotonic() - began
            reader.stdout.readline()
            took.append((time.monotonic() - began, accepted))
            reader.wait()
            server.delete(name, out)
        rows, accepted = (sorted(t[i] * 1000 for t in took) for i in (0, 1))
        print(f"submit to first row, ms: median {statistics.median(rows):.0f}, from {rows[0]:.0f} to {rows[-1]:.0f}; "
              f"the submit alone: median {statistics.median(accepted):.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--check-events", type=int, default=100_000, help="0: no check, and figures that prove nothing")
    parser.add_argument("--queries", default=",".join(nexmark_check.EXPECTED))
    parser.add_argument("--sinks", default="blackhole", help="blackhole, topic, or both with a comma")
    parser.add_argument("--rounds", type=int, default=1, help="the median of so many is told")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--latency", type=float, metavar="RATE", help="measure only the latency, at so many events a second")
    parser.add_argument("--submits", type=int, metavar="N", help="measure only the time from submit to the first row, N times")
    parser.add_argument("--seconds", type=float, default=20, help="of the latency's measurement")
    parser.add_argument("--flink", action="store_true", help="Apache Flink beside it")
    parser.add_argument("--perf", type=Path, help="folder for perf's samples of each measurement")
    parser.add_argument("--set", action="append", default=[], help="key=value of leatd's configuration")
    parser.add_argument("--job-set", action="append", default=[], help="key=value of the jobs' SET")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--folder", type=Path, help="where data directories are made")
    parser.add_argument("--json", type=Path, help="append every figure to this file, one a line")
    options = parser.parse_args()
    if options.latency:
        sys.exit(latency(options))
    if options.submits:
        sys.exit(submits(options))
    queries = options.queries.split(",")
    if options.check_events:
        queries = check(options, queries)
    with broker(options) as server:
        server.load(options.events)
        print(f"{'query':8} {'sink':10} {'who':6} {'events/CPU-s':>14} {'CPU-s':>8} {'wall s':>8} {'peak MB':>8}")
        for query in queries:
            for sink in options.sinks.split(","):
                rounds = [measure(options, server, query, sink) for _ in range(options.rounds)]
                if options.flink:
                    rounds.append(measure_flink(options, server, query, sink))
                for who in ("leat", "flink"):
                    figures = [r for r in rounds if r["who"] == who]
                    if not figures:
                        continue
                    middle = {k: statistics.median(r[k] for r in figures)
                              for k in ("events_per_cpu_s", "cpu_s", "wall_s", "peak_mb")}
                    print(f"{query:8} {sink:10} {who:6} {middle['events_per_cpu_s']:14,.0f} {middle['cpu_s']:8.2f} "
                          f"{middle['wall_s']:8.2f} {middle['peak_mb']:8.0f}", flush=True)
                if options.json:
                    with open(options.json, "a") as out:
                        out.writelines(json.dumps(r) + "\n" for r in rounds)


if __name__ == "__main__":
    main()
