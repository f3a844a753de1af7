"""What config/jobs/fraud-patterns.sql finds, by a plain program: `fraud_patterns_reference.py transactions.csv blocked_merchants.csv` counts
it for files of your own, as if they were followed by later ones."""

import collections
import csv
import math
import sys
from decimal import Decimal

from event_time import HOUR, to_millis, to_text


def by_card(transactions):
    """The transactions of each card in the order of their times, each with its milliseconds."""
    cards = collections.defaultdict(list)
    for row in transactions:
        cards[row["cc_num"]].append((to_millis(row["trans_date_trans_time"]), row))
    return {card: sorted(rows, key=lambda one: one[0]) for card, rows in cards.items()}


def small_then_large(cards):
    for rows in cards.values():
        last = None
        for t, row in rows:
            amount = Decimal(row["amt"])
            if last and Decimal(last[1]["amt"]) < 10 and amount > 200 and t - last[0] <= HOUR:
                yield t, {"alert_id": f"small-then-large|{last[1]['trans_num']}|{row['trans_num']}", "reason": "small-then-large",
                          "cc_num": row["cc_num"], "event_time": to_text(t),
                          "evidence": f"{Decimal(last[1]['amt']):.2f} USD and then {amount:.2f} USD at {row['merchant']}"}
                last = None
            else:
                last = t, row


def blocked_merchant(transactions, changes):
    for row in transactions:
        t = to_millis(row["trans_date_trans_time"])
        versions = [c for c in changes if c["merchant"] == row["merchant"] and to_millis(c["changed_at"]) <= t]
        if versions and max(versions, key=lambda c: c["changed_at"])["blocked"] == "true":
            since = max(version["changed_at"] for version in versions)
            yield t, {"alert_id": f"blocked-merchant|{row['trans_num']}", "reason": "blocked-merchant", "cc_num": row["cc_num"],
                      "event_time": to_text(t), "evidence": f"{row['merchant']} is blocked since {since}"}


def too_fast(cards):
    for rows in cards.values():
        for (t0, row0), (t1, row1) in zip(rows, rows[1:]):
            lat0, lon0, lat1, lon1 = (math.radians(float(row[name])) for row in (row0, row1) for name in ("merch_lat", "merch_long"))
            part = math.sin((lat1 - lat0) / 2) ** 2 + math.cos(lat0) * math.cos(lat1) * math.sin((lon1 - lon0) / 2) ** 2
            km = 2 * 6371 * math.asin(math.sqrt(part))
            seconds = (t1 - t0) // 1000
            if km * 3600 > 900 * seconds:
                yield t1, {"alert_id": f"too-fast|{row1['trans_num']}", "reason": "too-fast", "cc_num": row1["cc_num"],
                           "event_time": to_text(t1), "evidence": f"{int(km)} km in {seconds} s"}


def alerts(transactions, changes, watermark):
    """Up to the watermark; the changes are those of all time."""
    cards = by_card(transactions)
    for found in (small_then_large(cards), blocked_merchant(transactions, changes), too_fast(cards)):
        yield from (alert for t, alert in found if t <= watermark)


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as cards, open(sys.argv[2], newline="", encoding="utf-8") as changes:
        found = list(alerts(list(csv.DictReader(cards)), list(csv.DictReader(changes)), math.inf))
    for reason, count in collections.Counter(alert["reason"] for alert in found).items():
        print(f"{reason}: {count}")


if __name__ == "__main__":
    main()
