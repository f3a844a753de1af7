"""What config/jobs/supply.sql finds, by a plain program: `supply_reference.py orders.csv order_events.csv` counts it for files of your
own. Everything up to the end of the events is known here; the job knows it when its time has gone beyond that."""

import collections
import csv
import sys

from event_time import HOUR, SECOND, to_millis, to_text

DAY = 24 * HOUR
STAGES = ["purchased", "approved", "shipped", "delivered"]


def first_times(events):
    """order -> stage -> the first time of it; order -> stage of the newest event, at equal times the one further on."""
    times, newest = collections.defaultdict(dict), {}
    for event in events:
        if event["event_type"] not in STAGES:
            continue
        order, t = event["order_id"], to_millis(event["event_time"])
        mine = times[order]
        mine[event["event_type"]] = min(t, mine.get(event["event_type"], t))
        newest[order] = max(newest.get(order, (0, 0)), (t, STAGES.index(event["event_type"])))
    return times, {order: STAGES[place] for order, (_, place) in newest.items()}


def timeline(order, times, stage, plan):
    def between(a, b):
        return (times[b] - times[a]) // SECOND if a in times and b in times else None

    delivered, due = times.get("delivered"), plan and to_millis(plan["order_estimated_delivery_date"])
    known = delivered is not None and due is not None
    return {"order_id": order, "customer_id": plan and plan["customer_id"], "stage": stage,
            **{f"{one}_at": to_text(times[one]) if one in times else None for one in STAGES},
            "estimated_at": None if due is None else to_text(due), "approval_seconds": between("purchased", "approved"),
            "handling_seconds": between("approved", "shipped"), "transit_seconds": between("shipped", "delivered"),
            "total_seconds": between("purchased", "delivered"), "late": delivered > due if known else None,
            "late_by_day": delivered // DAY > due // DAY if known else None}


def durations(timelines):
    for stage in ("approval", "handling", "transit", "total"):
        seconds = [row[f"{stage}_seconds"] for row in timelines if row[f"{stage}_seconds"] is not None]
        if seconds:
            yield {"stage": stage, "orders": len(seconds), "mean_seconds": sum(seconds) / len(seconds), "shortest": min(seconds),
                   "longest": max(seconds)}


def outputs(orders, events):
    """Of orders and events (dicts of text): the rows of every table."""
    plans = {row["order_id"]: row for row in orders}
    times, stages = first_times(events)
    end = max(to_millis(event["event_time"]) for event in events) - 2 * HOUR
    timelines = [timeline(order, mine, stages[order], plans.get(order)) for order, mine in times.items()]
    late = [{"order_id": row["order_id"], "customer_id": row["customer_id"], "delivered_at": row["delivered_at"],
             "estimated_at": row["estimated_at"],
             "late_seconds": (to_millis(row["delivered_at"]) - to_millis(row["estimated_at"])) // SECOND}
            for row in timelines if row["late"]]
    unapproved = [{"order_id": order, "purchased_at": to_text(mine["purchased"])} for order, mine in times.items()
                  if "purchased" in mine and mine["purchased"] + DAY < end
                  and abs(mine.get("approved", 1 << 60) - mine["purchased"]) > DAY]
    due = {order: to_millis(row["order_estimated_delivery_date"]) for order, row in plans.items()}
    undelivered = [{"order_id": order, "estimated_at": to_text(t)} for order, t in due.items()
                   if t < end and times.get(order, {}).get("delivered", 1 << 60) > t]
    return {"order-timeline": timelines, "stage-durations": list(durations(timelines)), "late-orders": late,
            "unapproved-orders": unapproved, "undelivered-orders": undelivered}


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as orders, open(sys.argv[2], newline="", encoding="utf-8") as events:
        found = outputs(list(csv.DictReader(orders)), list(csv.DictReader(events)))
    for topic, rows in found.items():
        print(f"{topic}: {len(rows)}")
    print("in stage:", dict(collections.Counter(row["stage"] for row in found["order-timeline"])))
    for row in found["stage-durations"]:
        print(row)


if __name__ == "__main__":
    main()
