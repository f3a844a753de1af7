"""Asks a real Kafka in the versions that no client of capture.py speaks, with requests packed by hand, and writes what is
missing in tests/wire/golden:

    by_hand.py --kafka DIR [--out FOLDER]

DIR/lib holds the jars of Apache Kafka. Nothing here knows the message tables of src/wire: that Kafka understands the bytes
is what makes them worth keeping. Run `leat_wire_test` with LEAT_UPDATE_GOLDEN=1 afterwards: it adds the decoded text.
"""

import argparse
import shutil
import socket
import struct
import tempfile
import time
from pathlib import Path

from capture import BROKER_PORT, HERE, Frame, Kafka, Recorder, read_frame

PRODUCE, FETCH, METADATA, FIND_COORDINATOR, JOIN, SYNC, DESCRIBE_GROUPS, LIST_GROUPS = 0, 1, 3, 10, 11, 14, 15, 16
API_VERSIONS, CREATE_TOPICS, INIT_PRODUCER_ID, LEADER_EPOCH, ADD_PARTITIONS, DESCRIBE_CONFIGS = 18, 19, 22, 23, 24, 32
DESCRIBE_LOG_DIRS, UNREGISTER_BROKER, ADD_VOTER, REMOVE_VOTER = 35, 64, 80, 81
TOPIC = 2  # of DescribeConfigs
TRIES = 300


def i8(*values): return struct.pack(f">{len(values)}b", *values)
def i16(*values): return struct.pack(f">{len(values)}h", *values)
def i32(*values): return struct.pack(f">{len(values)}i", *values)
def i64(*values): return struct.pack(f">{len(values)}q", *values)
def text(value): return i16(len(value)) + value.encode()
def data(value): return i32(len(value)) + value
def array(*items): return i32(len(items)) + b"".join(items)


# Flexible versions: lengths plus one in a byte (all are short here), and no tagged fields behind a struct.
def ctext(value): return bytes([len(value) + 1]) + value.encode()
def carray(*items): return bytes([len(items) + 1]) + b"".join(items)


UNTAGGED = b"\0"


def record_batch(value):
    record = bytes([0, 0, 0, 1, len(value) * 2]) + value + b"\0"
    records = bytes([len(record) * 2]) + record
    tail = i16(0) + i32(0) + i64(1_700_000_000_000, 1_700_000_000_000, -1) + i16(-1) + i32(-1, 1) + records
    return i64(0) + i32(len(tail) + 9, 0) + i8(2) + struct.pack(">I", crc32c(tail)) + tail


def crc32c(bytes_):
    crc = 0xFFFFFFFF
    for byte in bytes_:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Asker:
    def __init__(self, recorder):
        self.recorder = recorder
        self.socket = socket.create_connection(("127.0.0.1", BROKER_PORT))
        self.correlation = 0

    def ask(self, key, version, body, flexible=False, keep=True):
        """The answer behind its header, or None if Kafka closed the connection."""
        self.correlation += 1
        frame = struct.pack(">hhi", key, version, self.correlation) + text("by-hand") + (UNTAGGED if flexible else b"") + body
        try:
            self.socket.sendall(struct.pack(">i", len(frame)) + frame)
            answer = read_frame(self.socket)
        except (EOFError, OSError):
            print(f"   key {key} version {version}: Kafka closed the connection")
            self.socket = socket.create_connection(("127.0.0.1", BROKER_PORT))
            return None
        if keep:
            self.recorder.frames[key, version, "request"] = Frame("by-hand", frame)
            self.recorder.frames[key, version, "response"] = Frame("by-hand", answer)
        return answer[4 + (1 if flexible and key != API_VERSIONS else 0):]

    def until(self, key, version, body, fits):
        """Once more until the answer fits: what Kafka makes at first use takes a moment."""
        for _ in range(TRIES):
            answer = self.ask(key, version, body, keep=False)
            if answer is not None and fits(answer):
                return answer
            time.sleep(0.1)
        raise SystemExit(f"key {key} version {version}: not the expected answer: {answer!r}")


def make_a_topic_and_a_group(asker):
    asker.ask(CREATE_TOPICS, 2, array(text("t") + i32(1) + i16(1) + array() + array()) + i32(10000) + i8(0), keep=False)
    batch = record_batch(b"value")
    asker.until(PRODUCE, 3, i16(-1, -1) + i32(10000) + array(text("t") + array(i32(0) + data(batch))),
                lambda answer: answer[4 + 2 + 1 + 4 + 4:][:2] == i16(0))
    asker.until(FIND_COORDINATOR, 0, text("g"), lambda answer: answer[:2] == i16(0))
    subscription = i16(0) + array(text("t")) + i32(-1)
    join = text("g") + i32(10000) + text("") + text("consumer") + array(text("range") + data(subscription))
    joined = asker.until(JOIN, 0, join, lambda answer: answer[:2] == i16(0))
    at = 2 + 4 + 2 + len("range")
    length = struct.unpack_from(">h", joined, at)[0]
    member = joined[at + 2:at + 2 + length].decode()
    assignment = i16(0) + array(text("t") + array(i32(0))) + i32(-1)
    asker.ask(SYNC, 0, text("g") + joined[2:6] + text(member) + array(text(member) + data(assignment)), keep=False)


def ask_everything(asker):
    partition = array(text("t") + array(i32(0)))
    asker.ask(FETCH, 4, i32(-1, 100, 1, 1 << 20) + i8(0) + array(text("t") + array(i32(0) + i64(0) + i32(1 << 20))))
    asker.ask(METADATA, 0, array(text("t")))
    asker.ask(DESCRIBE_GROUPS, 1, array(text("g"), text("nobody")))
    asker.ask(LIST_GROUPS, 0, b"")
    asker.ask(API_VERSIONS, 3, ctext("by-hand") + ctext("1") + UNTAGGED, flexible=True)
    asker.ask(LEADER_EPOCH, 2, array(text("t") + array(i32(0, -1, 0), i32(7, 0, 0))))
    for version in (1, 2, 3):
        keys = array(text("retention.ms"), text("cleanup.policy"))
        asker.ask(DESCRIBE_CONFIGS, version, array(i8(TOPIC) + text("t") + keys) + i8(1) + (i8(0) if version == 3 else b""))
    asker.ask(DESCRIBE_LOG_DIRS, 1, partition)
    for version in (2, 3, 5):
        asker.ask(DESCRIBE_LOG_DIRS, version, carray(ctext("t") + carray(i32(0)) + UNTAGGED) + UNTAGGED, flexible=True)
    asker.until(FIND_COORDINATOR, 1, text("x") + i8(1), lambda answer: answer[4:6] == i16(0))
    asker.until(INIT_PRODUCER_ID, 0, text("x") + i32(60000), lambda answer: answer[4:6] == i16(0))
    initial = ctext("x") + i32(60000) + i64(-1) + i16(-1) + i8(0, 0) + UNTAGGED
    answer = asker.ask(INIT_PRODUCER_ID, 6, initial, flexible=True)
    producer = answer[6:16] if answer else i64(0) + i16(0)
    topics = carray(ctext("t") + carray(i32(0)) + UNTAGGED)
    asker.ask(ADD_PARTITIONS, 4, carray(ctext("x") + producer + i8(1) + topics + UNTAGGED) + UNTAGGED, flexible=True)
    asker.ask(UNREGISTER_BROKER, 0, i32(7) + UNTAGGED, flexible=True)
    cluster, directory = ctext("MkU3OEVBNTcwNTJENDM2Qk"), bytes(range(16))
    listeners = carray(ctext("CONTROLLER") + ctext("127.0.0.1") + struct.pack(">H", 19093) + UNTAGGED)
    for version in (0, 1):
        voter = cluster + i32(1000, 2) + directory + listeners + (i8(1) if version == 1 else b"") + UNTAGGED
        asker.ask(ADD_VOTER, version, voter, flexible=True)
    asker.ask(REMOVE_VOTER, 0, cluster + i32(2) + directory + UNTAGGED, flexible=True)
    for version in (0, 1, 2):
        asker.ask(PRODUCE, version, i16(-1) + i32(10000) + array(text("t") + array(i32(0) + data(b""))))


def write_missing(recorder, out):
    for (key, version, direction), frame in sorted(recorder.frames.items()):
        path = out / f"{key:02}_v{version:02}_{direction}.golden"
        if path.exists():
            continue
        digits = frame.bytes.hex()
        path.write_text(f"{direction} {key} {version} from {'kafka to ' if direction == 'response' else ''}by-hand\n" +
                        "".join(digits[i:i + 116] + "\n" for i in range(0, len(digits), 116)))
        print(f"{path.name}: {len(frame.bytes)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent / "golden")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leat_capture_"))
    kafka = Kafka(args.kafka / "lib", folder, "unstable.api.versions.enable=true\n")
    recorder = Recorder()
    try:
        asker = Asker(recorder)
        make_a_topic_and_a_group(asker)
        ask_everything(asker)
    finally:
        kafka.stop()
        shutil.rmtree(folder)
    write_missing(recorder, args.out)


if __name__ == "__main__":
    main()
