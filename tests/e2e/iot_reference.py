"""What config/jobs/iot.sql finds, by a plain program: `iot_reference.py readings.csv` counts it for a file of your own."""

import collections
import csv
import math
import sys

from event_time import HOUR, MINUTE, in_order, sessions, to_millis, to_text, tumbling

DELAY = HOUR
WINDOW = 6 * HOUR
SILENCE = 5 * MINUTE
USUAL = 288
FAR = 4


def windows(rows):
    found, late = tumbling(rows, WINDOW, DELAY)
    for sensor, start, inside in found:
        values = [value for _, _, value in inside]
        yield {"sensor": sensor, "window_start": to_text(start), "window_end": to_text(start + WINDOW), "readings": len(values),
               "lowest": min(values), "mean": math.fsum(values) / len(values), "highest": max(values)}
    yield from ({"late": sensor, "event_time": to_text(t)} for t, sensor, _ in late)


def alerts(rows):
    ordered, late = in_order(rows, DELAY)
    for sensor, mine in ordered.items():
        values = collections.deque(maxlen=USUAL)
        for t, _, value in mine:
            values.append(value)
            if len(values) < USUAL:
                continue
            mean = math.fsum(values) / USUAL
            deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (USUAL - 1))
            if deviation > 0 and abs(value - mean) > FAR * deviation:
                yield {"sensor": sensor, "event_time": to_text(t), "value": value, "mean": mean, "deviation": deviation,
                       "z_score": (value - mean) / deviation}
    yield from ({"late": sensor, "event_time": to_text(t)} for t, sensor, _ in late)


def silences(rows):
    ended, late = sessions(rows, SILENCE, DELAY)
    for sensor, inside in ended:
        times = [t for t, _, _ in inside]
        yield {"sensor": sensor, "since": to_text(max(times)), "active": to_text(min(times)), "readings": len(times)}
    yield from ({"late": sensor, "event_time": to_text(t)} for t, sensor, _ in late)


def outputs(readings):
    """Of readings (dicts of text, each well formed) in one partition: the rows of every topic."""
    rows = [(to_millis(r["timestamp"]), r["sensor"], float(r["value"])) for r in readings]
    found = {"sensor-windows": list(windows(rows)), "sensor-alerts": list(alerts(rows)), "sensor-silences": list(silences(rows))}
    late = [{"sensor": row["late"], "event_time": row["event_time"]} for each in found.values() for row in each if "late" in row]
    found = {topic: [row for row in each if "late" not in row] for topic, each in found.items()}
    return {**found, "readings-late": late}


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        found = outputs(list(csv.DictReader(file)))
    for topic, rows in found.items():
        print(f"{topic}: {len(rows)}")
        for sensor, count in sorted(collections.Counter(row["sensor"] for row in rows).items()):
            print(f"  {sensor}: {count}")


if __name__ == "__main__":
    main()
