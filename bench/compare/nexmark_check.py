"""What the queries of nexmark/ give, computed row by row from the events, without the engine: the referee of nexmark.py."""

import bisect
import json
from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import Decimal

SECOND = 1000


def milliseconds(text):
    if text.endswith("Z"):
        text = text[:-1]
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S"
    return round(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp() * 1000)


class Events:
    """The lines of `nexmark events`, by kind; `t` is the event time in ms, `x` when an auction expires."""

    def __init__(self, folder):
        self.persons, self.auctions, self.bids = [], [], []
        kinds = {"person": self.persons, "auction": self.auctions, "bid": self.bids}
        times = {}  # a time is parsed once: it is most of the work

        def time_of(text):
            if text not in times:
                times[text] = milliseconds(text)
            return times[text]

        for path in sorted(folder.glob("nexmark.*")):
            for line in path.read_text().splitlines():
                event = json.loads(line)
                kind = next(k for k in event if k != "event_type")
                row = event[kind]
                row["t"] = time_of(row["dateTime"])
                if "expires" in row:
                    row["x"] = time_of(row["expires"])
                kinds[kind].append(row)
        # channel -> its versions as (time, order in the topic, fee)
        self.versions = defaultdict(list)
        for path in sorted(folder.glob("nexmark_ch.*")):
            for order, line in enumerate(path.read_text().splitlines()):
                row = json.loads(line.split("\t", 1)[1])
                self.versions[row["channel"]].append((milliseconds(row["updated"]), order, row["fee"]))
        for versions in self.versions.values():
            versions.sort()


def sliding(t, size, slide):
    """Starts of the windows of `size` that contain t."""
    start = t - t % slide
    while start > t - size:
        yield start
        start -= slide


def q0(e):
    return Counter((b["auction"], b["bidder"], b["price"], b["t"], b["extra"]) for b in e.bids)


def q1(e):
    rate = Decimal("0.908")
    return Counter((b["auction"], b["bidder"], b["price"] * rate, b["t"], b["extra"]) for b in e.bids)


def q2(e):
    return Counter((b["auction"], b["price"]) for b in e.bids if b["auction"] % 123 == 0)


def q3(e):
    persons = {p["id"]: p for p in e.persons if p["state"] in ("OR", "ID", "CA")}
    rows = Counter()
    for a in e.auctions:
        p = persons.get(a["seller"])
        if p and a["category"] == 10:
            rows[(p["name"], p["city"], p["state"], a["id"])] += 1
    return rows


def q4(e):
    auctions = {a["id"]: a for a in e.auctions}
    best = {}
    for b in e.bids:
        a = auctions.get(b["auction"])
        if a and a["t"] <= b["t"] <= a["x"]:
            best[a["id"]] = max(best.get(a["id"], 0), b["price"])
    categories = defaultdict(list)
    for auction, price in best.items():
        categories[auctions[auction]["category"]].append(price)
    return Counter((c, sum(v) // len(v)) for c, v in categories.items())


def q5(e):
    counts = Counter((start, b["auction"]) for b in e.bids for start in sliding(b["t"], 10 * SECOND, 2 * SECOND))
    most = Counter()
    for (start, _), count in counts.items():
        most[start] = max(most[start], count)
    return Counter((auction, count) for (start, auction), count in counts.items() if count >= most[start])


def q7(e):
    size = 10 * SECOND
    highest = Counter()
    for b in e.bids:
        end = b["t"] - b["t"] % size + size
        highest[end] = max(highest[end], b["price"])
    by_price = defaultdict(list)
    for b in e.bids:
        by_price[b["price"]].append(b)
    rows = Counter()
    for end, price in highest.items():
        for b in by_price[price]:
            if end - size <= b["t"] <= end:
                rows[(b["auction"], b["bidder"], b["price"], b["t"], b["extra"])] += 1
    return rows


def q8(e):
    size = 10 * SECOND
    persons = {(p["id"], p["name"], p["t"] - p["t"] % size) for p in e.persons}
    sellers = {(a["seller"], a["t"] - a["t"] % size) for a in e.auctions}
    return Counter(p for p in persons if (p[0], p[2]) in sellers)


def q11(e):
    gap = 10 * SECOND
    bidders = defaultdict(list)
    for b in e.bids:
        bidders[b["bidder"]].append(b["t"])
    rows = Counter()
    for bidder, times in bidders.items():
        times.sort()
        start = last = times[0]
        count = 1
        for t in times[1:]:
            if t > last + gap:
                rows[(bidder, count, start, last + gap)] += 1
                start, count = t, 0
            last = t
            count += 1
        rows[(bidder, count, start, last + gap)] += 1
    return rows


def fraud(e):
    counts, totals = Counter(), Counter()
    for b in e.bids:
        for start in sliding(b["t"], 10 * SECOND, SECOND):
            counts[(b["bidder"], start)] += 1
            totals[(b["bidder"], start)] += b["price"]
    return Counter((card, start, start + 10 * SECOND, count, totals[(card, start)])
                   for (card, start), count in counts.items() if count >= 20 and totals[(card, start)] >= 100000000)


def enrich(e):
    rows = Counter()
    for b in e.bids:
        versions = e.versions[b["channel"]]
        at = bisect.bisect_right(versions, (b["t"], 1 << 60, 0)) - 1
        if at >= 0:
            rows[(b["auction"], b["bidder"], b["price"], b["channel"], versions[at][2], b["t"])] += 1
    return rows


EXPECTED = {f.__name__: f for f in (q0, q1, q2, q3, q4, q5, q7, q8, q11, fraud, enrich)}
UPSERTS = {"q4"}
TIMES = {"dateTime", "stime", "starttime", "endtime", "window_start", "window_end"}


def _values(text):
    row = json.loads(text, parse_float=Decimal)
    return tuple(milliseconds(v) if k in TIMES else v for k, v in row.items())


def rows_of(query, lines):
    """The multiset that an output topic holds; a line is key, tab, value."""
    if query not in UPSERTS:
        return Counter(_values(line.split("\t", 1)[1]) for line in lines)
    last = {}
    for line in lines:
        key, value = line.split("\t", 1)
        last[key] = value
    return Counter(_values(value) for value in last.values() if value)


def difference(expected, got):
    """What is wrong, in a line; empty if nothing is."""
    if expected == got:
        return ""
    missing, surplus = expected - got, got - expected
    return (f"{sum(missing.values())} rows missing, such as {list(missing)[:3]}; "
            f"{sum(surplus.values())} too many, such as {list(surplus)[:3]}")
