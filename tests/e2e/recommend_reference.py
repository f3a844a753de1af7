"""What config/jobs/recommend.sql finds, by a plain program: `recommend_reference.py events.csv` (or .jsonl) counts it for a file of your
own."""

import collections
import csv
import itertools
import json
import sys

from event_time import HOUR, MINUTE, to_millis, to_text, with_watermarks

DELAY = 5 * MINUTE
SLIDE = 30 * MINUTE
SIZE = 6 * HOUR
TOP = 10
PATIENCE = 15 * MINUTE
WEIGHTS = {"purchase": 10, "cart": 3}


def recommendations(events):
    sessions = collections.defaultdict(set)
    for event in events:
        sessions[event["user_session"]].add(event["product_id"])
    together = collections.defaultdict(collections.Counter)
    for products in sessions.values():
        for one, other in itertools.permutations(products, 2):
            together[one][other] += 1
    for product, others in together.items():
        best = sorted(others.items(), key=lambda one: (-one[1], one[0]))[:TOP]
        for place, (other, count) in enumerate(best, 1):
            yield {"product_id": product, "place": place, "other_id": other, "sessions": count}


def popular(rows):
    """(rows, how often an event came when a window of it had ended). The sums are exact: halves of whole numbers."""
    demand, late = collections.defaultdict(collections.Counter), 0
    for row, watermark in with_watermarks(rows, DELAY):
        if row is None:
            break
        t, _, event = row
        first_end = t // SLIDE * SLIDE + SLIDE
        for end in range(first_end, first_end + SIZE, SLIDE):
            if end - 1 <= watermark:
                late += 1
            else:
                demand[end][event["product_id"]] += WEIGHTS.get(event["event_type"], 1) * 0.5 ** ((end - t) // SLIDE)
    found = []
    for end, products in demand.items():
        if end - 1 <= watermark:
            best = sorted(products.items(), key=lambda one: (-one[1], one[0]))[:TOP]
            found += [{"until": to_text(end), "place": place, "product_id": product, "demand": float(sum_)}
                      for place, (product, sum_) in enumerate(best, 1)]
    return found, late


def carts_left(rows):
    """Of events none of which is later than the watermark allows."""
    end = max(t for t, _, _ in rows) - DELAY
    bought = collections.defaultdict(list)
    for t, _, event in rows:
        if event["event_type"] == "purchase":
            bought[event["user_session"], event["product_id"]].append(t)
    left = {(event["user_session"], event["product_id"], t) for t, _, event in rows if event["event_type"] == "cart" and
            t + PATIENCE < end and not any(t <= b <= t + PATIENCE for b in bought[event["user_session"], event["product_id"]])}
    return [{"user_session": session, "product_id": product, "cart_at": to_text(t)} for session, product, t in left]


def outputs(events):
    """Of events (dicts of text) in one partition: the rows of every topic, and how many are late."""
    rows = [(to_millis(event["event_time"][:19]), None, event) for event in events]
    found, late = popular(rows)
    return {"recommendations": list(recommendations(events)), "popular-products": found, "carts-left": carts_left(rows)}, late


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        events = list(csv.DictReader(file)) if sys.argv[1].endswith(".csv") else [json.loads(line) for line in file]
    found, late = outputs(events)
    for topic, rows in found.items():
        print(f"{topic}: {len(rows)}")
    print(f"late: {late}")
    for row in sorted(found["recommendations"], key=lambda row: -row["sessions"])[:10]:
        print(row)


if __name__ == "__main__":
    main()
