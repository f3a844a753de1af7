"""What config/jobs/baskets.sql finds, by a plain program: `baskets_reference.py invoices.csv` counts it for a file of your own."""

import collections
import csv
import itertools
import re
import sys
from decimal import Decimal

from event_time import MINUTE, sessions, to_millis, to_text, tumbling

ARTICLE = re.compile(r"^\d{5}[A-Za-z]*$")
LEAST = 3


def amount(line):
    return int(line["Quantity"]) * Decimal(line["UnitPrice"])


def sold(line):
    return not line["InvoiceNo"].startswith("C") and int(line["Quantity"]) > 0 and Decimal(line["UnitPrice"]) > 0


def total(lines):
    return f"{sum(map(amount, lines), Decimal(0)):.3f}"


def bought_together(lines):
    baskets = collections.defaultdict(set)
    for line in lines:
        if sold(line) and ARTICLE.match(line["StockCode"]):
            baskets[line["InvoiceNo"]].add(line["StockCode"])
    together = collections.Counter()
    for articles in baskets.values():
        together.update(itertools.combinations(sorted(articles), 2))
    for (article, other), count in together.items():
        if count >= LEAST:
            yield {"article": article, "other": other, "baskets": count}


def outputs(lines):
    """Of lines (dicts of text) in one partition, none later than the watermark allows: the rows of every topic."""
    found, late = tumbling([(to_millis(line["InvoiceDate"]), None, line) for line in lines], MINUTE, MINUTE)
    assert not late
    minutes = []
    for _, start, rows in found:
        inside = [line for _, _, line in rows]
        minutes.append({"window_start": to_text(start), "invoices": len({line["InvoiceNo"] for line in inside}),
                        "invoice_lines": len(inside), "net": total(inside), "gross": total(filter(sold, inside))})
    ended, late = sessions([(to_millis(line["InvoiceDate"]), line["CustomerID"], line) for line in lines], 30 * MINUTE, MINUTE)
    assert not late
    visits = [{"customer": customer, "began": to_text(min(t for t, _, _ in rows)), "ended": to_text(max(t for t, _, _ in rows)),
               "invoice_lines": len(rows), "net": total(line for _, _, line in rows)} for customer, rows in ended if customer]
    return {"bought-together": list(bought_together(lines)), "sales-minutes": minutes, "customer-visits": visits}


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        found = outputs(list(csv.DictReader(file)))
    for topic, rows in found.items():
        print(f"{topic}: {len(rows)}")
    for row in sorted(found["bought-together"], key=lambda row: -row["baskets"])[:10]:
        print(row)


if __name__ == "__main__":
    main()
