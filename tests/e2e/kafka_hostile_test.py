"""A real leatd and clients that do on its Kafka listener what they should not: each gets a clear answer or is cut off,
and the others are still served."""

import gzip
import os
import resource
import socket
import struct
import unittest

from leat_process import Broker

PRODUCE, FETCH, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 3, 18, 22
NONE, OFFSET_OUT_OF_RANGE, CORRUPT, UNKNOWN_TOPIC, TOO_LARGE = 0, 1, 2, 3, 10
UNSUPPORTED_VERSION, OUT_OF_ORDER, STALE_PRODUCER_EPOCH, FENCED_EPOCH, UNKNOWN_EPOCH = 35, 45, 47, 74, 75


def crc32c(data):
    table = crc32c.table
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


crc32c.table = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
    crc32c.table.append(n)


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def batch(values, producer=(-1, -1, -1), codec=0, records=None, damage=False):
    """A record batch; `records` in place of what would be made of the values."""
    if records is None:
        records = b""
        for i, value in enumerate(values):
            record = b"\0" + varint(0) + varint(i) + varint(-1) + varint(len(value)) + value + varint(0)
            records += varint(len(record)) + record
    identity, epoch, sequence = producer
    tail = struct.pack(">hiqqqhii", codec, len(values) - 1, 1_700_000_000_000, 1_700_000_000_000, identity, epoch,
                       sequence, len(values)) + records
    crc = crc32c(tail) ^ (1 if damage else 0)
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2, crc) + tail


class Client:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 30)

    def close(self):
        self.socket.close()

    def send(self, key, version, body):
        frame = struct.pack(">hhi", key, version, 7) + text("hostile") + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def answer(self):
        """The next answer behind its correlation id; None if the broker closed the connection."""
        head = self.read(4)
        return None if head is None else self.read(struct.unpack(">i", head)[0])[4:]

    def read(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data

    def ask(self, key, version, body):
        self.send(key, version, body)
        return self.answer()

    def send_batch(self, topic, records, partition=0, acks=-1):
        body = struct.pack(">hhii", -1, acks, 30000, 1) + text(topic) + struct.pack(">iii", 1, partition, len(records))
        self.send(PRODUCE, 7, body + records)

    def produce(self, topic, records, partition=0):
        """(error, base offset) of one batch."""
        self.send_batch(topic, records, partition)
        answer = self.answer()
        at = 4 + 2 + len(topic) + 4 + 4
        return struct.unpack(">hq", answer[at:at + 10])

    def fetch(self, topic, offset, epoch=-1):
        """(error, bytes of records)."""
        body = struct.pack(">iiiibii", -1, 0, 0, 1 << 20, 0, 0, -1) + struct.pack(">i", 1) + text(topic)
        body += struct.pack(">iiiqqi", 1, 0, epoch, offset, -1, 1 << 20) + struct.pack(">i", 0) + text("")
        answer = self.ask(FETCH, 11, body)
        at = 4 + 2 + 4 + 4 + 2 + len(topic) + 4 + 4
        error = struct.unpack(">h", answer[at:at + 2])[0]
        at += 2 + 24 + 4 + 4
        return error, struct.unpack(">i", answer[at:at + 4])[0]

    def init_producer(self):
        answer = self.ask(INIT_PRODUCER_ID, 1, struct.pack(">hi", -1, 60000))
        return struct.unpack(">qh", answer[6:16])


class KafkaHostile(unittest.TestCase):
    def setUp(self):
        self.broker = Broker("topics.auto_create=false", "limits.connections=300", "limits.request_bytes=2MiB")
        self.broker.start()
        self.addCleanup(lambda: self.broker.__exit__())
        self.broker.leat("topic", "create", "t")
        self.clients = []

    def tearDown(self):
        for client in self.clients:
            client.close()

    def client(self):
        client = Client(self.broker.ready["kafka"])
        self.clients.append(client)
        return client

    def assert_served(self):
        error, _ = self.client().produce("t", batch([b"fine"]))
        self.assertEqual(error, NONE)

    def peak_rss_mib(self):
        status = open(f"/proc/{self.broker.process.pid}/status").read()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def test_frames_that_are_none(self):
        for data in [b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0", b"\0\0\0\2\0\0",
                     struct.pack(">i", 14) + struct.pack(">hhi", 999, 0, 1) + text("who?"),
                     struct.pack(">i", 14) + struct.pack(">hhi", METADATA, 99, 1) + text("who?"),
                     struct.pack(">i", 18) + struct.pack(">hhi", METADATA, 1, 1) + text("who?") + b"\x7f\xff\xff\xff"]:
            with self.subTest(data=data):
                client = self.client()
                client.socket.sendall(data)
                self.assertIsNone(client.answer())
        half = self.client()
        half.socket.sendall(struct.pack(">i", 100) + b"only some of it")
        half.close()
        self.assert_served()
        self.assertIn("127.0.0.1", self.broker.log_text(), "the log says who it was")

    def test_versions_too_high_are_told_what_there_is(self):
        answer = self.client().ask(API_VERSIONS, 99, b"")
        error, count = struct.unpack(">hi", answer[:6])
        self.assertEqual(error, UNSUPPORTED_VERSION)
        self.assertGreater(count, 20)
        keys = [struct.unpack(">hhh", answer[6 + 6 * i:12 + 6 * i]) for i in range(count)]
        self.assertIn(API_VERSIONS, [key for key, _, _ in keys])
        self.assertEqual([low for key, low, _ in keys if key == PRODUCE], [0], "librdkafka looks for Produce 0")

    def test_bad_batches_are_refused_whole(self):
        client = self.client()
        self.assertEqual(client.produce("t", batch([b"x"], damage=True))[0], CORRUPT)
        self.assertEqual(client.produce("t", batch([b"x"])[:-1])[0], CORRUPT)
        self.assertEqual(client.produce("nowhere", batch([b"x"]))[0], UNKNOWN_TOPIC)
        self.assertEqual(client.produce("t", batch([b"x"]), partition=9)[0], UNKNOWN_TOPIC)
        self.assertEqual(client.produce("t", batch([b"x" * 1_100_000]))[0], TOO_LARGE)
        error, base = client.produce("t", batch([b"good"]))
        self.assertEqual((error, base), (NONE, 0), "nothing of the others was appended")

    def test_who_wants_no_answer_is_cut_off_when_it_fails(self):
        for topic, records in [("nowhere", batch([b"x"])), ("t", batch([b"x"], damage=True)), ("t", b"no batch")]:
            with self.subTest(topic=topic):
                client = self.client()
                client.send_batch("t", batch([b"good"]), acks=0)
                client.send_batch(topic, records, acks=0)
                self.assertIsNone(client.answer())
        self.assertIn("a produce with acks 0 failed: topic 'nowhere', partition 0", self.broker.log_text())
        self.assertEqual(self.client().produce("t", batch([b"after"])), (NONE, 3), "the good ones were kept")

    def test_sequences_and_epochs_of_producers_are_checked(self):
        client = self.client()
        identity, epoch = client.init_producer()
        first = batch([b"a", b"b"], (identity, epoch, 0))
        self.assertEqual(client.produce("t", first), (NONE, 0))
        self.assertEqual(client.produce("t", first), (NONE, 0), "sent again: answered as before, kept once")
        self.assertEqual(client.produce("t", batch([b"c"], (identity, epoch, 7)))[0], OUT_OF_ORDER)
        self.assertEqual(client.produce("t", batch([b"c"], (identity, epoch, 2))), (NONE, 2))
        self.assertEqual(client.produce("t", batch([b"c"], (identity, epoch + 1, 0))), (NONE, 3))
        self.assertEqual(client.produce("t", batch([b"d"], (identity, epoch, 3)))[0], STALE_PRODUCER_EPOCH)

    def test_fetches_say_what_is_wrong(self):
        client = self.client()
        client.produce("t", batch([b"x"]))
        self.assertEqual(client.fetch("t", 0)[0], NONE)
        self.assertEqual(client.fetch("t", 5)[0], OFFSET_OUT_OF_RANGE)
        self.assertEqual(client.fetch("nowhere", 0)[0], UNKNOWN_TOPIC)
        self.assertEqual(client.fetch("t", 0, epoch=99)[0], UNKNOWN_EPOCH)

    def test_compression_bomb_costs_no_memory(self):
        record_bytes = 900 << 20
        head = varint(record_bytes + 20) + b"\0" + varint(0) + varint(0) + varint(-1) + varint(record_bytes)
        squeezed = gzip.compress(head + bytes(record_bytes), 9)
        self.assertLess(len(squeezed), 1_000_000)
        before = self.peak_rss_mib()
        client = self.client()
        error, _ = client.produce("t", batch([b""], codec=1, records=squeezed))
        # What is unpacked to be checked has a limit, 64 MiB, and grows towards it by doubling. AddressSanitizer keeps up to
        # 256 MiB of what was freed.
        self.assertLess(self.peak_rss_mib() - before, 456 if "address" in os.environ.get("LEAT_SANITIZE", "") else 200)
        if error == NONE:  # kept as it came: whoever reads it, in the broker too, has a limit
            self.assertEqual(self.broker.leat("consume", "t", "--from-beginning", "--count", "1", check=False,
                                              timeout=60).returncode != 0, True)
        self.assertLess(self.peak_rss_mib() - before, 300)
        self.assert_served()

    def test_connections_beyond_the_limit_are_refused(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
        first = self.client()
        crowd = [self.client() for _ in range(400)]
        refused = 0
        for client in crowd:
            try:
                answer = client.ask(API_VERSIONS, 0, b"")
            except (BrokenPipeError, ConnectionResetError):
                answer = None
            refused += answer is None
        self.assertGreaterEqual(refused, 100)
        self.assertLess(refused, 400)
        self.assertEqual(first.produce("t", batch([b"still served"]))[0], NONE)
        self.assertIn("limits.connections", self.broker.log_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
