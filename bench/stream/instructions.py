#!/usr/bin/env python3
"""Counts the instructions that twelve queries need for a record, and compares them with what is stored.

    bench/stream/instructions.py [--bin build/release/bin] [--only q0,q4] [--update]

query_cost runs each query on one worker over records in memory, from the log's bytes to the log's bytes with checkpoints;
valgrind counts. The counts depend on the compiler, the libraries and what the processor can do (vector instructions), not on
who else uses the machine: on one set-up they are the same to a thousandth. Those of instructions.json are of Debian 12's gcc
and libraries, preset release, on a processor with AVX2.

Ends with 1 if a count is more than 2 % above or below what is stored. What has become better on purpose is stored with
--update, in the same commit as its reason.

Programs: query_cost and nexmark of the release preset with -DLEAT_BUILD_BENCH=ON, and valgrind.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORED = HERE / "instructions.json"
QUERIES = ROOT / "bench/compare/nexmark"
TOLERANCE = 0.02
EVENTS = 20_000
CHECKPOINT = 5_000
NOTHING = "'connector' = 'blackhole'"
TOPIC = "'connector' = 'kafka', 'topic' = 'out', 'properties.bootstrap.servers' = 'none', 'format' = 'json'"
# Name: the query, and where its rows go.
WORKLOADS = {"q0": ("q0", NOTHING), "q0-topic": ("q0", TOPIC), **{q: (q, NOTHING) for q in
             ("q1", "q2", "q3", "q4", "q5", "q7", "q8", "q11", "fraud", "enrich")}}


def count(options, folder, query, sink):
    """Instructions a record."""
    values = {"KAFKA": "none", "GROUP": "none", "BOUND": "latest-offset", "SINK": sink, "UPSERT_SINK": sink}
    script = folder / "query.sql"
    text = "".join((QUERIES / f"{part}.sql").read_text() for part in ("tables", query))
    script.write_text(Template(text).substitute(values))
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=*ReadAll*", f"--callgrind-out-file={folder / 'callgrind'}",
               options.bin / "query_cost", script, folder, "--checkpoint", str(CHECKPOINT)]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        sys.exit(f"{query}: {done.stdout}{done.stderr}")
    return int(collected[1]) / json.loads(done.stdout.splitlines()[-1])["records"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--only", default=",".join(WORKLOADS), help="names with commas between them")
    parser.add_argument("--update", action="store_true", help="store what is counted")
    options = parser.parse_args()
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    apart = []
    with tempfile.TemporaryDirectory(prefix="leat-instructions-") as folder:
        folder = Path(folder)
        subprocess.run([str(options.bin / "nexmark"), "events", "--seed", "42", "--events", str(EVENTS), "--partitions", "4",
                        str(folder)], check=True, stdout=subprocess.DEVNULL)
        print(f"{'workload':10} {'stored':>8} {'counted':>8} {'ratio':>7}")
        for name in options.only.split(","):
            counted = round(count(options, folder, *WORKLOADS[name]))
            before = stored.get(name)
            ratio = counted / before if before else float("nan")
            print(f"{name:10} {before or '-':>8} {counted:8} {ratio:7.3f}", flush=True)
            if not before or abs(ratio - 1) > TOLERANCE:
                apart.append(name)
            if options.update:
                stored[name] = counted
    if options.update:
        STORED.write_text(json.dumps(stored, indent=2) + "\n")
    elif apart:
        sys.exit("more than 2 % apart: " + ", ".join(apart))


if __name__ == "__main__":
    main()
