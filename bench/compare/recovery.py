#!/usr/bin/env python3
"""Measures how long a job with much state is away when its leatd is killed.

    bench/compare/recovery.py [--events N] [--kills N]

A leatd of its own runs nexmark/keep.sql, exactly once: a join that keeps every bid for ever, some 300 bytes each. When the job has read nine
tenths of the events, leatd gets SIGKILL and is started again in the same folder, and so on for --kills kills over the rest. What is told is
the time from the start of the new process until it is ready, until the job runs, and until a reader of committed records
has the first row that the job made after it; and how large the state is on the disk. The reader is started when leatd is ready, its own start included.

Programs: leatd, leat and nexmark of the release preset with -DLEAT_BUILD_BENCH=ON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nexmark


def megabytes(folder):
    return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 1e6


def wait_until_read(server, name, rows):
    while True:
        job = server.job(name)
        if job["state"].lower() == "failed":
            sys.exit(f"{name}: {job}")
        if int(job["rows_in"]) >= rows:
            return
        time.sleep(0.02)


def kill_and_wait(server, name):
    server.process.kill()
    server.process.wait()
    began = time.monotonic()
    server.start()
    ready = time.monotonic() - began
    reader = subprocess.Popen([server.bin / "leat", "--address", server.address, "consume", "out", "--tail", "0", "--count", "1"],
                              stdout=subprocess.PIPE)
    running = None
    while reader.poll() is None:
        if running is None and server.job(name)["state"].lower() == "running":
            running = time.monotonic() - began
        time.sleep(0.005)
    if reader.returncode != 0:
        sys.exit("the reader failed")
    return {"ready_s": round(ready, 3), "running_s": running and round(running, 3), "first_row_s": round(time.monotonic() - began, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=4_000_000, help="each bid is some 300 bytes of state")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--set", action="append", default=[], help="key=value of leatd's configuration")
    parser.add_argument("--job-set", action="append", default=[], help="key=value of the job's SET")
    parser.add_argument("--bin", type=Path, default=nexmark.ROOT / "build/release/bin")
    parser.add_argument("--folder", type=Path, help="where data directories are made")
    options = parser.parse_args()
    with nexmark.broker(options) as server:
        server.load(options.events)
        server.create("out")
        name = server.submit("keep", "out", "unbounded", options.job_set)
        wait_until_read(server, name, options.events * 9 // 10)
        for kill in range(options.kills):
            figures = kill_and_wait(server, name)
            state = server.folder / "data" / "state"
            print(json.dumps({"kill": kill + 1, **figures, "state_mb": round(megabytes(state)),
                              "load": os.getloadavg()[0]}), flush=True)
            wait_until_read(server, name, options.events * 9 // 10 + options.events * (kill + 1) // (10 * options.kills + 10))


if __name__ == "__main__":
    main()
