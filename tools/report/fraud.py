"""Prints what the fraud job found: fraud.py TRANSACTIONS.jsonl ALERTS.jsonl LAG.json (as the leat tool writes them)."""

import collections
import json
import sys


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main():
    transactions, alerts = read_lines(sys.argv[1]), read_lines(sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as file:
        lag = json.load(file)
    print(f"transactions produced: {len(transactions)}")
    by_reason = collections.defaultdict(dict)
    for record in alerts:
        alert = json.loads(record["value"])
        by_reason[alert["reason"]].setdefault(alert["alert_id"], (record, alert))
    print(f"alerts: {sum(len(found) for found in by_reason.values())}")
    for reason, found in sorted(by_reason.items()):
        print(f"  {reason}: {len(found)}")
        for _, alert in list(found.values())[:3]:
            print(f"    card {alert['cc_num']}  {alert['window_start']} - {alert['window_end']}  {alert['evidence']}")
    # From a transaction's append to the append of the alert that it alone raises.
    sent = {json.loads(record["value"])["trans_num"]: record["timestamp_ms"] for record in transactions}
    waits = []
    for found in by_reason.values():
        for record, alert in found.values():
            _, _, trans_num = alert["alert_id"].partition("|")
            if trans_num in sent:
                waits.append(record["timestamp_ms"] - sent[trans_num])
    waits.sort()
    if waits:
        print(f"latency from transaction to alert: p50 {percentile(waits, 0.5)} ms, p99 {percentile(waits, 0.99)} ms "
              f"({len(waits)} alerts)")
    print(f"lag of group fraud: {sum(partition['lag_records'] for partition in lag)} records")


if __name__ == "__main__":
    main()
