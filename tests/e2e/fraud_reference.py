"""The fraud rules as a slow, plain program: no windows operator, no state, no engine. Used to check the job's alerts."""

import datetime
from decimal import Decimal

EPOCH = datetime.datetime(1970, 1, 1)
MINUTE = 60_000
WINDOW = 10 * MINUTE
WATERMARK_DELAY = 5_000
BLOCKED = {"travel", "gambling", "cryptocurrency"}


def to_millis(text):
    """'2019-01-01 00:00:18' as milliseconds since 1970, no time zone."""
    delta = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S") - EPOCH
    return int(delta.total_seconds()) * 1000


def to_text(millis):
    moment = EPOCH + datetime.timedelta(milliseconds=millis)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + ".%03d" % (millis % 1000)


def murmur2(data):
    """Kafka's partitioner hash."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    tail = data[whole:]
    if len(tail) >= 3:
        h ^= tail[2] << 16
    if len(tail) >= 2:
        h ^= tail[1] << 8
    if len(tail) >= 1:
        h = (h ^ tail[0]) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def final_watermark(transactions, partitions):
    """The smallest over the partitions of the latest event time, less the delay; None while one partition is empty."""
    latest = [None] * partitions
    for row in transactions:
        p = (murmur2(row["cc_num"].encode()) & 0x7FFFFFFF) % partitions
        t = to_millis(row["trans_date_trans_time"])
        latest[p] = t if latest[p] is None else max(latest[p], t)
    if None in latest:
        return None
    return min(latest) - WATERMARK_DELAY


def velocity(transactions, watermark):
    """Per card, every ten-minute window that begins on a minute, once the watermark has passed its end."""
    by_card = {}
    for row in transactions:
        by_card.setdefault(row["cc_num"], []).append((to_millis(row["trans_date_trans_time"]), Decimal(row["amt"])))
    for card, events in by_card.items():
        starts = set()
        for t, _ in events:
            first = (t - WINDOW) // MINUTE * MINUTE + MINUTE
            starts.update(range(first, t + 1, MINUTE))
        for start in starts:
            end = start + WINDOW
            if watermark is None or watermark < end - 1:
                continue
            inside = [amount for t, amount in events if start <= t < end]
            total = sum(inside, Decimal("0.00"))
            if len(inside) >= 3 or (len(inside) >= 2 and total >= 500):
                yield f"velocity|{card}|{to_text(end)}", {
                    "reason": "velocity", "cc_num": card, "window_start": start, "window_end": end,
                    "tx_count": len(inside), "tx_sum": total,
                    "evidence": f"{len(inside)} transactions, {total:.2f} USD in 10 minutes"}


def single(transactions):
    for row in transactions:
        t = to_millis(row["trans_date_trans_time"])
        amount = Decimal(row["amt"])
        hour = int(row["trans_date_trans_time"][11:13])
        alert = {"cc_num": row["cc_num"], "window_start": t, "window_end": t, "tx_count": 1, "tx_sum": amount}
        if amount >= 700 or (amount >= 250 and (hour >= 22 or hour < 4)):
            yield f"large-amount|{row['trans_num']}", {
                **alert, "reason": "large-amount",
                "evidence": f"{amount:.2f} USD at {row['merchant']} at {row['trans_date_trans_time']}"}
        if row["category"] in BLOCKED:
            yield f"blocked-category|{row['trans_num']}", {
                **alert, "reason": "blocked-category", "evidence": f"category {row['category']} at {row['merchant']}"}


def alerts(transactions, partitions):
    """alert_id -> alert, for transactions (dicts of text) in a topic with this many partitions, keyed by cc_num."""
    found = dict(velocity(transactions, final_watermark(transactions, partitions)))
    found.update(single(transactions))
    return found


def parse_alert(row):
    """An alert as the job wrote it (parsed JSON with decimals kept), in the form that alerts() gives."""
    def millis(text):
        head, _, fraction = text.partition(".")
        return to_millis(head) + int((fraction + "000")[:3])
    return row["alert_id"], {
        "reason": row["reason"], "cc_num": row["cc_num"], "window_start": millis(row["window_start"]),
        "window_end": millis(row["window_end"]), "tx_count": row["tx_count"], "tx_sum": Decimal(str(row["tx_sum"])),
        "evidence": row["evidence"]}
