"""What config/jobs/dashboard.sql finds, by a plain program: `dashboard_reference.py access.log [shop-events.jsonl]` counts it for
files of your own."""

import collections
import json
import re
import sys
from decimal import Decimal

from event_time import HOUR, MINUTE, sessions, to_millis, to_text, tumbling

DELAY = MINUTE
GAP = 30 * MINUTE
TOP = 10
LINE = re.compile(r'^(\S+) \S+ .*?\[([^\]]+) \+0000\] "\S+ (\S+)[^"]*" (\d{3}) (\d+|-) ".*" ".*"$')


def parse(lines):
    """([(milliseconds, visitor, (path, status, bytes))], how many are no requests)"""
    rows, broken = [], 0
    for line in lines:
        match = LINE.match(line)
        try:
            visitor, time, path, status, size = match.groups()
            rows.append((to_millis(time, "%d/%b/%Y:%H:%M:%S"), visitor, (path, int(status), 0 if size == "-" else int(size))))
        except (AttributeError, ValueError):  # no match, no time
            broken += 1
    return rows, broken


def minutes(rows):
    found, late = tumbling([(t, None, (visitor, *rest)) for t, visitor, rest in rows], MINUTE, DELAY)
    for _, start, inside in found:
        requests = [request for _, _, request in inside]
        yield {"window_start": to_text(start), "requests": len(requests),
               "client_errors": sum(1 for r in requests if 400 <= r[2] < 500), "server_errors": sum(1 for r in requests if r[2] >= 500),
               "bytes": sum(r[3] for r in requests), "visitors": len({r[0] for r in requests})}
    yield from ({"late": to_text(row[0])} for row in late)


def top(counted):
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [{"place": i + 1, "path": path, "requests": count} for i, (path, count) in enumerate(ordered[:TOP])]


def top_paths(rows):
    found, late = tumbling([(t, None, path) for t, _, (path, _, _) in rows], HOUR, DELAY)
    for _, start, inside in found:
        for one in top(collections.Counter(path for _, _, path in inside)):
            yield {"window_start": to_text(start), **one}
    yield from ({"late": to_text(row[0])} for row in late)


def visits(rows):
    ended, late = sessions(rows, GAP, DELAY)
    for visitor, inside in ended:
        times = [t for t, _, _ in inside]
        yield {"visitor": visitor, "began": to_text(min(times)), "ended": to_text(max(times)), "requests": len(inside),
               "bytes": sum(request[2] for _, _, request in inside)}
    yield from ({"late": to_text(row[0])} for row in late)


def shop_minutes(events):
    """An event that was late is none of those counted, and is counted as late if it is a purchase."""
    rows = [(to_millis(e["event_time"][:19]), None, e) for e in events]
    found, late = tumbling(rows, MINUTE, DELAY)
    for _, start, inside in found:
        bought = [event for _, _, event in inside if event["event_type"] == "purchase"]
        if bought:
            yield {"window_start": to_text(start), "purchases": len(bought), "orders": len({e["user_session"] for e in bought}),
                   "revenue": str(sum((Decimal(e["price"]) for e in bought), Decimal("0.00")))}
    yield from ({"late": to_text(t)} for t, _, event in late if event["event_type"] == "purchase")


def outputs(lines, events):
    """Of lines of the log and events of the shop (dicts of text), each in one partition: the rows of every topic."""
    rows, broken = parse(lines)
    found = {"web-minutes": list(minutes(rows)), "web-top-paths": list(top_paths(rows)), "web-sessions": list(visits(rows)),
             "shop-minutes": list(shop_minutes(events))}
    late = [row for each in found.values() for row in each if "late" in row]
    found = {topic: [row for row in each if "late" not in row] for topic, each in found.items()}
    found["web-top"] = top(collections.Counter(path for _, _, (path, _, _) in rows))
    found["web-errors"] = [{"event_time": to_text(t), "visitor": visitor, "path": path, "status": status}
                           for t, visitor, (path, status, _) in rows if status >= 500]
    return {**found, "late": late, "broken": broken}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    events = []
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
    for topic, rows in outputs(lines, events).items():
        print(f"{topic}: {rows if isinstance(rows, int) else len(rows)}")


if __name__ == "__main__":
    main()
