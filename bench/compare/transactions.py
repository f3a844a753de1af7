#!/usr/bin/env python3
"""transactions.py ADDRESS TOPIC SECONDS WARM: one transactional producer (confluent-kafka), transactions of 100 records of
100 bytes over four partitions, one after the other. Prints transactions a second and what the commit call takes."""

import json
import sys
import time

from confluent_kafka import Producer

address, topic, seconds, warm = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
value = b"x" * 100
producer = Producer({"bootstrap.servers": address, "transactional.id": topic, "linger.ms": 0})
producer.init_transactions(30)
commits = []
measured_from = time.monotonic() + warm
end = measured_from + seconds
while time.monotonic() < end:
    producer.begin_transaction()
    for i in range(100):
        producer.produce(topic, value, partition=i % 4)
    producer.flush()
    began = time.perf_counter()
    producer.commit_transaction(30)
    if time.monotonic() > measured_from:
        commits.append((time.perf_counter() - began) * 1000)
commits.sort()


def quantile(q):
    return commits[min(len(commits) - 1, int(q * len(commits)))]


print(json.dumps({"transactions_per_s": len(commits) / seconds, "commit_p50_ms": quantile(0.5),
                  "commit_p99_ms": quantile(0.99), "commit_p999_ms": quantile(0.999)}))
