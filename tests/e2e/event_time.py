"""Event time in plain loops, for the reference programs of the applications: one partition, a watermark behind every row.

A row is a tuple (milliseconds, key, anything). What is open when the input ends is not given out."""

import datetime

EPOCH = datetime.datetime(1970, 1, 1)
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def to_millis(text, pattern="%Y-%m-%d %H:%M:%S"):
    """A time without zone as milliseconds since 1970."""
    delta = datetime.datetime.strptime(text, pattern) - EPOCH
    return (delta.days * 86400 + delta.seconds) * SECOND


def to_text(millis):
    """As the json format writes a TIMESTAMP(3): the fraction only where there is one."""
    text = (EPOCH + datetime.timedelta(milliseconds=millis)).strftime("%Y-%m-%d %H:%M:%S")
    return text + (".%03d" % (millis % SECOND)).rstrip("0").rstrip(".")


def with_watermarks(rows, delay):
    """Each row with the watermark that is there when it comes; at last None with the one behind all rows."""
    newest = None
    for row in rows:
        yield row, -1 << 62 if newest is None else newest - delay
        newest = row[0] if newest is None else max(newest, row[0])
    yield None, -1 << 62 if newest is None else newest - delay


def tumbling(rows, size, delay):
    """([(key, start, rows)], [late rows])"""
    windows, late = {}, []
    for row, watermark in with_watermarks(rows, delay):
        if row is None:
            break
        start = row[0] // size * size
        if start + size - 1 <= watermark:
            late.append(row)
        else:
            windows.setdefault((row[1], start), []).append(row)
    return [(key, start, found) for (key, start), found in windows.items() if start + size - 1 <= watermark], late


def sessions(rows, gap, delay):
    """([(key, rows)], [late rows]). Sessions that touch are one."""
    open_sessions, ended, late = {}, [], []

    def end(key, watermark):
        for session in list(open_sessions.get(key, [])):
            if session[1] - 1 <= watermark:
                open_sessions[key].remove(session)
                ended.append((key, session[2]))

    for row, watermark in with_watermarks(rows, delay):
        if row is None:
            break
        key = row[1]
        end(key, watermark)
        first, last, found = row[0], row[0] + gap, [row]
        touched = [s for s in open_sessions.get(key, []) if s[0] <= last and first <= s[1]]
        for session in touched:
            first, last, found = min(first, session[0]), max(last, session[1]), session[2] + found
        if last - 1 <= watermark:
            late.append(row)
            continue
        open_sessions[key] = [s for s in open_sessions.get(key, []) if s not in touched] + [(first, last, found)]
    for key in open_sessions:
        end(key, watermark)
    return ended, late


def in_order(rows, delay):
    """(rows of each key in the order of their times, those that came first first; [late rows]). A row is late when rows of its key
    at its time or later have been given out."""
    waiting, given, last, late = {}, {}, {}, []

    def give(key, watermark):
        due = sorted((row for row in waiting.get(key, []) if row[0] <= watermark), key=lambda row: row[0])
        if due:
            waiting[key] = [row for row in waiting[key] if row[0] > watermark]
            given.setdefault(key, []).extend(due)
            last[key] = due[-1][0]

    for row, watermark in with_watermarks(rows, delay):
        if row is None:
            break
        give(row[1], watermark)
        if row[0] <= last.get(row[1], -1 << 62):
            late.append(row)
        else:
            waiting.setdefault(row[1], []).append(row)
    for key in list(waiting):
        give(key, watermark)
    return given, late
