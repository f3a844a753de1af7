"""leatd as an operator meets it: ready line, refusals, endpoints, an orderly end, and the pages that it generates."""

import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest
import unittest.mock

from leat_process import BIN, SOURCE, Broker


def run_leatd(*arguments):
    return subprocess.run([str(BIN / "leatd"), *arguments], capture_output=True, text=True, timeout=60)


class Configuration(unittest.TestCase):
    def refuse(self, *arguments, expect):
        done = run_leatd(*arguments, "--check-config")
        self.assertNotEqual(done.returncode, 0)
        for text in expect:
            self.assertIn(text, done.stderr)

    def test_an_unknown_key_is_refused_with_the_nearest_one(self):
        self.refuse("--set", "listeners.grcp=127.0.0.1:1", expect=["listeners.grcp", "listeners.grpc"])

    def test_a_file_is_refused_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("node_id: 1\nlimits:\n  topics: many\n")
            file.flush()
            self.refuse("--config", file.name, expect=[":3:", "limits.topics"])

    def test_an_advertised_address_of_no_listener_is_refused(self):
        self.refuse("--set", "advertised.kafka=outside://broker:9092", expect=["advertised.kafka", "outside"])

    def test_wrong_usage_ends_with_2(self):
        self.assertEqual(run_leatd("--bogus").returncode, 2)
        self.assertEqual(run_leatd("--help").returncode, 0)

    def test_the_shipped_file_is_good(self):
        done = run_leatd("--config", str(SOURCE / "config/broker.yaml"), "--check-config")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_reference_is_the_committed_one(self):
        self.assertEqual(run_leatd("--print-config-reference").stdout, (SOURCE / "docs/config.md").read_text())


class Daemon(unittest.TestCase):
    def test_the_ready_line_names_what_is_bound_and_a_sigterm_ends_it_in_order(self):
        with Broker() as broker:
            self.assertEqual(broker.ready["event"], "ready")
            self.assertEqual(broker.ready["pid"], broker.process.pid)
            self.assertNotIn(":0", broker.ready["grpc"][-2:])
            self.assertEqual(broker.stop(), 0)

    def test_a_sigterm_ends_a_start_that_waits_for_the_other_nodes(self):
        broker = Broker()
        self.addCleanup(shutil.rmtree, broker.directory)
        secret = os.path.join(broker.directory, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("0123456789abcdef0123456789abcdef0123456789abcdef\n")
        os.chmod(secret, 0o600)
        # Nobody answers at these ports.
        broker.settings += ["listeners.internal=127.0.0.1:0", "advertised.internal=127.0.0.1:1",
                            f"cluster.secret_file={secret}",
                            "cluster.voters=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3"]
        process = subprocess.Popen(broker.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        lines = iter(process.stderr.readline, "")
        self.assertTrue(any("waiting for the metadata of the cluster" in line for line in lines))
        process.terminate()
        self.assertIn("stopped before the start was through", "".join(lines))
        self.assertEqual(process.wait(), 0)

    def test_the_service_manager_hears_when_it_is_ready_and_when_it_stops(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{folder}/notify")
            manager.settimeout(60)
            with unittest.mock.patch.dict(os.environ, {"NOTIFY_SOCKET": f"{folder}/notify"}), Broker() as broker:
                self.assertEqual(manager.recv(100), b"READY=1")
                self.assertEqual(broker.stop(), 0)
                self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_a_service_manager_that_is_gone_is_a_warning_and_no_end(self):
        with unittest.mock.patch.dict(os.environ, {"NOTIFY_SOCKET": "/nonexistent/notify"}), Broker() as broker:
            self.assertEqual(broker.http("/health/ready")[0], 200)
            self.assertEqual(broker.stop(), 0)
            with open(os.path.join(broker.directory, "leatd.log"), encoding="utf-8") as log:
                self.assertIn("'READY=1' did not reach the service manager at NOTIFY_SOCKET=/nonexistent/notify", log.read())

    def test_a_second_daemon_on_the_data_directory_is_refused_and_names_the_first(self):
        with Broker() as broker:
            second = run_leatd("--set", f"data_dir={broker.data_dir}", "--set", "listeners.grpc=127.0.0.1:0",
                               "--set", "listeners.admin=127.0.0.1:0", "--set", "listeners.kafka=127.0.0.1:0")
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(str(broker.process.pid), second.stderr)

    def test_the_endpoints_answer(self):
        with Broker() as broker:
            broker.leat("topic", "create", "clicks", "--partitions", "2")
            broker.leat("produce", "clicks", text_input="a\nb\n")
            for path in ("/health/live", "/health/ready", "/v1/topics", "/v1/topics/clicks", "/v1/lag", "/v1/jobs",
                         "/v1/cluster"):
                status, body = broker.http(path)
                self.assertEqual(status, 200, path)
                json.loads(body)
            status, body = broker.http("/v1/topics/clicks")
            self.assertEqual(sum(p["high_watermark"] for p in json.loads(body)["partitions"]), 2)
            for path in ("/v1/topics/nope", "/v1/jobs/nope", "/nope"):
                status, body = broker.http(path)
                self.assertEqual((status, json.loads(body)["error"]["code"]), (404, "not_found"), path)

    def test_records_and_topics_survive_a_kill(self):
        with Broker() as broker:
            broker.leat("topic", "create", "clicks", "--config", "retention.ms=1000000")
            for i in range(3):
                broker.leat("produce", "clicks", text_input=f"{i}\n")
                broker.kill()
                broker.start()
            lines = broker.leat("consume", "clicks", "--from-beginning", "--exit-at-end").stdout
            self.assertEqual(lines.split(), ["0", "1", "2"])
            _, body = broker.http("/v1/topics/clicks")
            self.assertEqual(json.loads(body)["configs"]["retention.ms"], {"value": "1000000", "source": "topic"})


class MetricsPage(unittest.TestCase):
    @staticmethod
    def use(broker):
        broker.leat("produce", "transactions", "--file", str(SOURCE / "config/data/card_transactions.csv"),
                    "--key", "cc_num")
        broker.leat("lag", "--group", "fraud", "--topic", "transactions", "--wait", "--timeout", "60s")
        broker.leat("consume", "fraud-alerts", "--from-beginning", "--exit-at-end")
        broker.http("/metrics")
        host, port = broker.kafka.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))  # ApiVersions, version 0
            connection.recv(4)

    def test_it_lists_what_a_run_with_a_job_registers(self):
        class Recorded(Broker):
            def command(self):
                return super().command() + ["--metrics-reference", os.path.join(self.directory, "metrics.md")]

        with Recorded() as broker:
            broker.leat("topic", "create", "transactions")
            broker.leat("job", "submit", str(SOURCE / "config/jobs/fraud.sql"))
            self.use(broker)
            # The lag of groups is looked at when a daemon starts that knows some, and seldom after that.
            self.assertEqual(broker.stop(), 0)
            broker.start()
            self.use(broker)
            self.assertEqual(broker.stop(), 0)
            with open(os.path.join(broker.directory, "metrics.md"), encoding="utf-8") as file:
                self.assertEqual(file.read(), (SOURCE / "docs/metrics.md").read_text())


if __name__ == "__main__":
    unittest.main()
