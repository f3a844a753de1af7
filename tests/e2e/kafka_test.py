"""kcat, a client of Kafka, and the leat tool on the same topics of a real leatd."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from leat_process import Broker

LINES = [f"key-{i}:value {i} äöü" for i in range(2000)]


def kcat(broker, *arguments, text=None):
    done = subprocess.run(["kcat", "-b", broker.kafka, *arguments], input=text, capture_output=True, text=True,
                          timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"kcat {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}\n"
                             f"--- leatd ---\n{broker.log_text()[-4000:]}")
    return done.stdout


def read_all(broker, topic, *arguments):
    return kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", *arguments)


@unittest.skipUnless(shutil.which("kcat"), "SKIPPED: kcat is not installed (tools/setup installs it)")
class KafkaTest(unittest.TestCase):
    def test_what_kcat_produces_kcat_and_leat_consume(self):
        with Broker() as broker:
            kcat(broker, "-P", "-t", "made-by-use", "-K:", text="\n".join(LINES) + "\n")
            self.assertEqual(read_all(broker, "made-by-use", "-f", "%k:%s\n").splitlines(), LINES)
            values = broker.leat("consume", "made-by-use", "--from-beginning", "--exit-at-end").stdout
            self.assertEqual(len(values.splitlines()), len(LINES))
            self.assertIn("value 1999 äöü", values)

    def test_what_leat_produces_kcat_consumes(self):
        with Broker() as broker:
            broker.leat("topic", "create", "t", "--partitions", "3")
            broker.leat("produce", "t", text_input="".join(f"{i}\n" for i in range(1000)))
            read = read_all(broker, "t").split()
            self.assertEqual(sorted(int(value) for value in read), list(range(1000)))

    def test_every_codec_arrives_as_it_was(self):
        with Broker() as broker:
            for codec in ("gzip", "snappy", "lz4", "zstd"):
                kcat(broker, "-P", "-t", codec, "-z", codec, "-K:", text="\n".join(LINES) + "\n")
                self.assertEqual(read_all(broker, codec, "-f", "%k:%s\n").splitlines(), LINES, codec)

    def test_a_large_record_arrives(self):
        with Broker() as broker, tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "record")
            file.write_text("x" * 900_000)
            kcat(broker, "-P", "-t", "large", str(file))
            self.assertEqual(len(read_all(broker, "large", "-f", "%s")), 900_000)

    def test_offsets_by_time_and_end(self):
        with Broker() as broker:
            kcat(broker, "-P", "-t", "t", text="a\nb\nc\n")
            self.assertIn("offset 3", kcat(broker, "-Q", "-t", "t:0:-1"))
            self.assertIn("offset 0", kcat(broker, "-Q", "-t", "t:0:-2"))
            self.assertIn("offset 0", kcat(broker, "-Q", "-t", "t:0:1000"))

    def test_records_survive_a_kill(self):
        with Broker() as broker:
            kcat(broker, "-P", "-t", "t", "-K:", text="\n".join(LINES) + "\n")
            broker.kill()
            broker.start()
            self.assertEqual(read_all(broker, "t", "-f", "%k:%s\n").splitlines(), LINES)

    def test_the_advertised_address_is_told(self):
        with Broker("advertised.kafka=broker.example:19092") as broker:
            self.assertIn("broker.example:19092", kcat(broker, "-L"))

    def test_several_listeners_serve_the_same_topics(self):
        broker = Broker()
        broker.kafka = "127.0.0.1:0,second://127.0.0.1:0"
        with broker:
            first, second = broker.kafka.split(",")
            broker.kafka = first
            kcat(broker, "-P", "-t", "t", text="a\n")
            broker.kafka = second
            self.assertEqual(read_all(broker, "t"), "a\n")

    def test_a_client_that_is_no_client_is_cut_off_and_named_in_the_log(self):
        with Broker() as broker:
            host, port = broker.kafka.rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                self.assertEqual(connection.recv(100), b"")
            self.assertIn("the client speaks HTTP", broker.log_text())
            kcat(broker, "-L")


if __name__ == "__main__":
    unittest.main()
