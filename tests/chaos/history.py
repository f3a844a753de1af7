"""What producers were told and what a reader found, and whether the two agree. Pure: no clients, no clocks.

A producer writes the values `<producer>:<number>` in the order of their numbers, each to one partition. Of each write
its producer knows one of three things: acknowledged at an offset, failed (it was certainly not written), or unknown.
"""

import dataclasses
import enum


class Outcome(enum.Enum):
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Write:
    producer: str
    number: int
    partition: int
    outcome: Outcome
    offset: int | None = None  # of an acknowledged write, where the client says it
    transaction: str | None = None  # all writes of one transaction end alike


@dataclasses.dataclass(frozen=True)
class Found:
    partition: int
    offset: int
    value: str

    @property
    def key(self):
        producer, number = self.value.rsplit(":", 1)
        return producer, int(number)


LIMIT = 20  # of the problems of one kind that are told


class Problems:
    def __init__(self):
        self._kinds = {}

    def add(self, kind, text):
        self._kinds.setdefault(kind, []).append(text)

    def lines(self):
        for kind, texts in sorted(self._kinds.items()):
            yield f"{kind}: {len(texts)}"
            yield from (f"  {text}" for text in texts[:LIMIT])

    def __bool__(self):
        return bool(self._kinds)


def check(writes, found, ended=None):
    """Problems of what a reader found from the beginning to the end of every partition, in the order of reading.

    `ended`: of each transaction, True if it is known to be committed, False if aborted; the reader is read_committed.
    """
    ended = ended or {}
    problems = Problems()
    told = {}
    for write in writes:
        key = (write.producer, write.number)
        if key in told:
            raise ValueError(f"two writes are called {key}")
        told[key] = write
    seen = _check_reader(found, told, problems)
    for key, write in told.items():
        _check_write(write, seen.get(key), ended.get(write.transaction), problems)
    _check_transactions(told, seen, ended, problems)
    return problems


def _check_reader(found, told, problems):
    seen, at, last_offset, last_number = {}, {}, {}, {}
    for record in found:
        if record.offset <= last_offset.get(record.partition, -1):
            problems.add("an offset was read twice or out of order", str(record))
        last_offset[record.partition] = record.offset
        at[record.partition, record.offset] = record
        key = record.key
        if key not in told:
            problems.add("a record that nobody wrote", str(record))
            continue
        if key in seen:
            problems.add("a record is there twice", f"{seen[key]} and {record}")
            continue
        seen[key] = record
        line = (record.partition, key[0])
        if key[1] < last_number.get(line, -1):
            problems.add("a producer's records changed their order", f"{record} behind number {last_number[line]}")
        last_number[line] = key[1]
    return seen


def _check_write(write, record, committed, problems):
    if record is not None and record.partition != write.partition:
        problems.add("a record in another partition", f"{write} found as {record}")
    if write.outcome is Outcome.FAILED and record is not None:
        problems.add("a failed write was found", f"{write} found as {record}")
    if committed is False and record is not None:
        problems.add("a record of an aborted transaction was read", f"{write} found as {record}")
    if write.outcome is not Outcome.ACKNOWLEDGED:
        return
    if record is None:
        if write.transaction is None or committed:
            problems.add("an acknowledged record is lost", str(write))
    elif write.offset is not None and write.offset != record.offset:
        problems.add("a record is at another offset than was acknowledged", f"{write} found as {record}")


def _check_transactions(told, seen, ended, problems):
    """Of a transaction whose end is unknown all acknowledged writes are there or none is."""
    parts = {}
    for key, write in told.items():
        if write.transaction is not None and write.transaction not in ended:
            if write.outcome is Outcome.ACKNOWLEDGED:
                parts.setdefault(write.transaction, []).append(key in seen)
    for transaction, there in parts.items():
        if any(there) and not all(there):
            problems.add("a transaction is there in part", f"{transaction}: {sum(there)} of {len(there)} records")
