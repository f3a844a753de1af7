"""Four jobs of different shape with their seeded input: what job_kill_test.py runs straight and under kills.

Where a result depends on which rows are late, the input has one partition and the watermark follows each row, so that the
result is a function of the input alone. The other sources have several partitions, and no row later than its watermark
allows."""

import json
import random

START_MS = 1_700_000_000_000
FAR = 3_600_000  # a last row in each partition that closes what is open

SOURCE = """CREATE TABLE {name} ({columns}, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
      'scan.watermark.emit.strategy' = 'on-event');
"""
SINK = """CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json',
  'key.format' = 'raw', 'key.fields' = '{key}');
"""
UPSERT = """CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
  'topic' = '{name}', 'key.format' = '{key_format}', 'value.format' = 'json', 'value.fields-include' = '{value}');
"""

WINDOW_COLUMNS = "who STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT, total BIGINT, first_id BIGINT, last_id BIGINT"
WINDOW = """INSERT INTO {sink} SELECT who, window_start, window_end, COUNT(*), SUM(amount), MIN(id), MAX(id)
FROM TABLE({window}(TABLE clicks{partition}, DESCRIPTOR(ts), {size})) GROUP BY who, window_start, window_end;
"""
WINDOWS = (
    "SET 'leat.late.topic' = 'late_clicks';\n" +
    SOURCE.format(name="clicks", columns="id BIGINT, who STRING, amount BIGINT, ms BIGINT") +
    "".join(SINK.format(name=name, columns=WINDOW_COLUMNS, key="who") for name in ("tumbled", "hopped", "sessions")) +
    "EXECUTE STATEMENT SET BEGIN\n" +
    WINDOW.format(sink="tumbled", window="TUMBLE", partition="", size="INTERVAL '10' SECOND") +
    WINDOW.format(sink="hopped", window="HOP", partition="", size="INTERVAL '5' SECOND, INTERVAL '20' SECOND") +
    WINDOW.format(sink="sessions", window="SESSION", partition=" PARTITION BY who", size="INTERVAL '3' SECOND") + "END;")

JOIN = (
    UPSERT.format(name="orders", columns="k STRING, customer STRING, amount BIGINT", key="k", key_format="raw",
                  value="EXCEPT_KEY") +
    UPSERT.format(name="customers", columns="k STRING, city STRING", key="k", key_format="raw", value="EXCEPT_KEY") +
    UPSERT.format(name="joined", columns="k STRING, customer STRING, city STRING, amount BIGINT", key="k",
                  key_format="raw", value="ALL") +
    "INSERT INTO joined SELECT o.k, o.customer, c.city, o.amount FROM orders AS o JOIN customers AS c "
    "ON o.customer = c.k;")

INTERVAL = (
    SOURCE.format(name="payments", columns="id BIGINT, k STRING, amount BIGINT, ms BIGINT") +
    SOURCE.format(name="shipments", columns="id BIGINT, k STRING, place STRING, ms BIGINT") +
    SINK.format(name="matched", columns="k STRING, payment BIGINT, shipment BIGINT, amount BIGINT, place STRING",
                key="k") +
    "INSERT INTO matched SELECT p.k, p.id, s.id, p.amount, s.place FROM payments AS p JOIN shipments AS s ON p.k = s.k "
    "AND s.ts BETWEEN p.ts - INTERVAL '1' SECOND AND p.ts + INTERVAL '4' SECOND;")

TOP = (
    "CREATE TABLE scores (shelf STRING, item STRING, points BIGINT) WITH ('connector' = 'kafka', 'topic' = 'scores', "
    "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n" +
    UPSERT.format(name="best", columns="shelf STRING, place BIGINT, item STRING, points BIGINT", key="shelf, place",
                  key_format="json", value="ALL") +
    "INSERT INTO best SELECT shelf, place, item, points FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY shelf "
    "ORDER BY points DESC, item) AS place FROM (SELECT shelf, item, SUM(points) AS points FROM scores "
    "GROUP BY shelf, item)) WHERE place <= 5;")

JOBS = {"windows": WINDOWS, "join": JOIN, "interval": INTERVAL, "top": TOP}
# How many partitions the inputs have, and which job reads them.
INPUTS = {"clicks": (1, "windows"), "orders": (3, "join"), "customers": (3, "join"), "payments": (2, "interval"),
          "shipments": (2, "interval"), "scores": (4, "top")}
PARTITIONS_OF_OUTPUTS = 2
# Of these every record counts; of the others the last of each key.
APPENDED = ("tumbled", "hopped", "sessions", "late_clicks", "matched")
UPSERTED = ("joined", "best")


def _line(key, value):
    return f"{key}|{'-' if value is None else json.dumps(value)}"


def _clicks(rng, count):
    lines, now = [], START_MS
    for i in range(count):
        now += rng.randrange(0, 60) + (8000 if rng.random() < 0.002 else 0)
        late = rng.random()
        ms = now - (rng.randrange(0, 2000) if late < 0.2 else rng.randrange(2000, 60_000) if late < 0.25 else 0)
        row = {"id": i, "who": f"u{rng.randrange(40)}", "amount": rng.randrange(1000), "ms": ms}
        lines += [_line(row["who"], row)] * (2 if rng.random() < 0.03 else 1)
    last = {"id": count, "who": "last", "amount": 0, "ms": now + FAR}
    return lines + [_line("last", last)]


def _changes(rng, count, keys, make):
    lines = []
    for _ in range(count):
        key = rng.choice(keys)
        line = _line(key, None if rng.random() < 0.1 else make())
        lines += [line] * (2 if rng.random() < 0.03 else 1)
    return lines


def _disordered(rng, count, column, make):
    lines, now = [], START_MS
    for i in range(count):
        now += rng.randrange(0, 40)
        row = {"id": i, "k": f"k{rng.randrange(300)}", column: make(), "ms": now - rng.randrange(0, 2000)}
        lines += [_line(row["k"], row)] * (2 if rng.random() < 0.03 else 1)
    return lines


def lines_of(seed, count):
    """The records of each input, as lines of key and value, in order; about `count` each."""
    rng = random.Random(seed)
    customers = [f"c{i}" for i in range(150)]
    return {
        "clicks": _clicks(rng, count),
        "orders": _changes(rng, count, [f"o{i}" for i in range(1200)],
                           lambda: {"customer": rng.choice(customers), "amount": rng.randrange(1000)}),
        "customers": _changes(rng, count // 4, customers, lambda: {"city": f"city {rng.randrange(30)}"}),
        "payments": _disordered(rng, count, "amount", lambda: rng.randrange(1000)),
        "shipments": _disordered(rng, count, "place", lambda: f"place {rng.randrange(9)}"),
        "scores": _changes_of_scores(rng, count),
    }


def _changes_of_scores(rng, count):
    lines = []
    for _ in range(count):
        row = {"shelf": f"s{rng.randrange(12)}", "item": f"i{rng.randrange(60)}", "points": rng.randrange(-20, 40)}
        lines += [_line(row["shelf"] + row["item"], row)] * (2 if rng.random() < 0.03 else 1)
    return lines
