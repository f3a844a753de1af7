"""Every command of the leat tool against a real leatd on ports that the system picks."""

import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from leat_process import BIN, SOURCE, Broker

JOB = """
CREATE TABLE clicks (user_name STRING, page STRING) WITH (
  'connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE buys (user_name STRING) WITH ('connector' = 'kafka', 'topic' = 'buys', 'format' = 'json');
INSERT INTO buys SELECT user_name FROM clicks WHERE page = 'buy';
"""


class Tool(unittest.TestCase):
    """One broker for all tests; every test has topics of its own."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.broker.start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__()

    def leat(self, *arguments, **options):
        return self.broker.leat(*arguments, **options)

    def json(self, *arguments):
        return self.broker.json(*arguments)

    def fails(self, code, *arguments, text_input=None):
        done = self.leat(*arguments, check=False, text_input=text_input)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertTrue(done.stderr.splitlines()[-1].startswith("leat: ") or "leat: " in done.stderr, done.stderr)
        return done.stderr

    def file(self, name, text):
        path = pathlib.Path(self.broker.directory, name)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def values(self, topic, *arguments):
        return self.leat("consume", topic, "--from-beginning", "--exit-at-end", *arguments).stdout


class Health(Tool):
    def test_a_broker_that_takes_work_is_ready(self):
        self.assertEqual(self.leat("health", "--admin", self.broker.admin).stdout, "ready\n")
        self.assertEqual(self.leat("health", "--wait", "--admin", self.broker.admin).stdout, "ready\n")
        self.assertEqual(self.json("health", "--admin", self.broker.admin), {"status": "ready"})

    def test_nobody_there_is_exit_code_5_and_says_whom_it_asked(self):
        said = self.fails(5, "health", "--admin", "127.0.0.1:1")
        self.assertIn("127.0.0.1:1", said)
        self.assertIn("--admin HOST:PORT", said)

    def answered_with(self, answer):
        """What `leat health` says, and its exit code, to somebody who answers so and closes."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
            thread = threading.Thread(target=serve)
            thread.start()
            done = self.leat("health", "--admin", f"127.0.0.1:{server.getsockname()[1]}", check=False)
            thread.join()
            return done.returncode, done.stderr

    def test_a_broker_that_is_not_ready_is_exit_code_1_with_its_reason(self):
        code, said = self.answered_with(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
                                        b'{"error":{"code":"not_ready","message":"the disk is full","reasons":[]}}\n')
        self.assertEqual(code, 1)
        self.assertIn("503: the disk is full", said)

    def test_an_answer_that_is_not_http_is_told_from_a_health(self):
        for answer in (b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n"):
            code, said = self.answered_with(answer)
            self.assertEqual(code, 1, said)
            self.assertIn("is this the admin listener?", said)

    def test_an_answer_that_ends_too_early_is_no_answer(self):
        code, said = self.answered_with(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        self.assertEqual(code, 5, said)
        self.assertIn("the connection ended within the answer", said)

    def test_an_answer_has_a_limit(self):
        code, said = self.answered_with(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{}")
        self.assertEqual(code, 1, said)
        self.assertIn("larger than 1048576 bytes", said)

    def test_an_answer_that_never_comes_is_exit_code_4(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.fails(4, "health", "--timeout", "200ms", "--admin", f"127.0.0.1:{server.getsockname()[1]}")


class Topics(Tool):
    def test_life_of_a_topic(self):
        made = self.json("topic", "create", "life", "--partitions", "3", "--config", "retention.ms=60000")
        self.assertEqual((made["name"], len(made["partitions"])), ("life", 3))
        self.assertEqual(made["configs"]["retention.ms"], {"value": "60000", "is_default": False})
        self.assertIn("life", [t["name"] for t in self.json("topic", "list")])
        self.assertIn("life", self.leat("topic", "list", "--internal").stdout)
        altered = self.json("topic", "alter", "life", "--partitions", "4", "--delete-config", "retention.ms")
        self.assertEqual(len(altered["partitions"]), 4)
        self.assertTrue(altered["configs"]["retention.ms"]["is_default"])
        self.assertIn("PARTITION", self.leat("topic", "describe", "life").stdout)
        self.leat("topic", "delete", "life", "--yes")
        self.fails(3, "topic", "describe", "life")
        self.fails(3, "topic", "delete", "life")

    def test_a_topic_that_is_there_is_a_failure(self):
        self.leat("topic", "create", "twice")
        self.assertIn("twice", self.fails(1, "topic", "create", "twice"))
        self.fails(1, "topic", "create", "bad/name")

    def test_names_of_commands_are_names_of_topics_too(self):
        self.leat("topic", "create", "lag", "--partitions", "1")
        self.leat("produce", "lag", text_input="x\n")
        self.assertEqual(self.values("lag"), "x\n")

    def test_delete_records(self):
        self.leat("topic", "create", "trimmed", "--partitions", "1")
        self.leat("produce", "trimmed", text_input="a\nb\nc\n")
        self.assertEqual(self.json("topic", "delete-records", "trimmed", "--partition", "0", "--before", "2")["begin_offset"], 2)
        self.assertEqual(self.values("trimmed"), "c\n")
        self.fails(1, "topic", "delete-records", "trimmed", "--partition", "0", "--before", "9")


class Produce(Tool):
    def test_text_with_keys_headers_and_tombstones(self):
        self.leat("topic", "create", "text", "--partitions", "1")
        done = self.leat("produce", "text", "--key-separator", ":", "--null-value", "-", "--header", "from=test", "--header",
                         "n=1", text_input="a:1\nb:-\n")
        self.assertRegex(done.stderr, r"^produced 2 records to text in \d+\.\d\d s\n$")
        lines = [json.loads(line) for line in self.values("text", "-o", "json").splitlines()]
        self.assertEqual([(r["key"], r["value"]) for r in lines], [("a", "1"), ("b", None)])
        self.assertEqual(lines[0]["headers"], [{"name": "from", "value": "test"}, {"name": "n", "value": "1"}])
        self.assertEqual(sorted(lines[0]), ["headers", "key", "offset", "partition", "timestamp_ms", "topic", "value"])

    def test_csv_becomes_json_and_the_key_is_a_column(self):
        self.leat("topic", "create", "rows", "--partitions", "2")
        path = self.file("rows.csv", ',user,n\n0,"a, ""b""",1\n1,"two\nlines",2\n')
        done = self.json("produce", "rows", "--file", path, "--key", "user", "--infer-types")
        self.assertEqual((done["records"], done["failed"], done["skipped"]), (2, 0, 0))
        lines = [json.loads(line) for line in self.values("rows", "-o", "json").splitlines()]
        found = {r["key"]: json.loads(r["value"]) for r in lines}
        self.assertEqual(found, {'a, "b"': {"_c0": 0, "user": 'a, "b"', "n": 1},
                                 "two\nlines": {"_c0": 1, "user": "two\nlines", "n": 2}})

    def test_a_bad_line_stops_with_its_place_unless_skipped(self):
        self.leat("topic", "create", "bad", "--partitions", "1")
        path = self.file("bad.jsonl", '{"a":1}\n{"a":\n{"a":3}\n')
        self.assertIn("bad.jsonl:2: expected JSON", self.fails(1, "produce", "bad", "--file", path))
        self.assertEqual(self.values("bad"), '{"a":1}\n')
        done = self.leat("produce", "bad", "--file", path, "--skip-bad")
        self.assertIn("produced 2 records", done.stderr)
        self.assertIn("1 bad lines were skipped", done.stderr)

    def test_every_compression_and_acknowledgement(self):
        self.leat("topic", "create", "ways", "--partitions", "1")
        sent = []
        for compression in ("none", "gzip", "snappy", "lz4", "zstd"):
            for acks in ("all", "leader", "none"):
                sent.append(f"{compression} {acks}")
                self.leat("produce", "ways", "--compression", compression, "--acks", acks, "--batch-bytes", "1000", "--linger",
                          "0ms", "--partition", "0", text_input=sent[-1] + "\n")
        self.assertEqual(self.values("ways", "--count", str(len(sent))).splitlines(), sent)

    def test_the_rate_is_kept(self):
        self.leat("topic", "create", "slow", "--partitions", "1")
        done = self.json_input("produce", "slow", "--rate", "20", text_input="x\n" * 11)
        self.assertGreaterEqual(done["seconds"], 0.5)
        self.assertEqual(done["records"], 11)

    def json_input(self, *arguments, text_input):
        return json.loads(self.leat(*arguments, "-o", "json", text_input=text_input).stdout)

    def test_what_cannot_be_sent_is_a_failure(self):
        self.leat("topic", "create", "one", "--partitions", "1")
        self.fails(3, "produce", "one", "--file", "/nonexistent")
        done = self.leat("produce", "one", "--partition", "7", text_input="x\n", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("stdin: record of line 1: ", done.stderr)


class Terminal(Tool):
    """What is different when a person is there."""

    def run_at_terminal(self, *arguments, answer):
        person, terminal = pty.openpty()
        try:
            process = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, *arguments], stdin=terminal,
                                       stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            os.write(person, answer.encode())
            _, stderr = process.communicate(timeout=60)
            return process.returncode, stderr
        finally:
            os.close(person)
            os.close(terminal)

    def test_deleting_asks_first(self):
        self.leat("topic", "create", "asked")
        code, stderr = self.run_at_terminal("topic", "delete", "asked", answer="n\n")
        self.assertEqual(code, 1, stderr)
        self.assertIn("Delete topic asked and all its records? [y/N]", stderr)
        self.json("topic", "describe", "asked")
        code, stderr = self.run_at_terminal("topic", "delete", "asked", answer="y\n")
        self.assertEqual(code, 0, stderr)
        self.fails(3, "topic", "describe", "asked")

    def test_producing_shows_its_progress(self):
        self.leat("topic", "create", "shown", "--partitions", "1")
        person, terminal = pty.openpty()
        done = subprocess.run([str(BIN / "leat"), "--address", self.broker.grpc, "produce", "shown", "--rate", "10"],
                              input=b"x\n" * 8, stderr=terminal, timeout=60)
        os.close(terminal)
        text = os.read(person, 65536).decode()
        os.close(person)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(text, r"\d+ records, \d+/s")
        self.assertIn("produced 8 records to shown", text)


class Consume(Tool):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker.leat("topic", "create", "numbers", "--partitions", "2")
        for partition in ("0", "1"):
            text = "".join(f"p{partition}-{i}\n" for i in range(10))
            cls.broker.leat("produce", "numbers", "--partition", partition, text_input=text)

    def read(self, *arguments):
        return sorted(self.leat("consume", "numbers", "--exit-at-end", *arguments).stdout.splitlines())

    def test_starts(self):
        every = sorted(f"p{p}-{i}" for p in range(2) for i in range(10))
        self.assertEqual(self.read("--from-beginning"), every)
        self.assertEqual(self.read(), [])
        self.assertEqual(self.read("--offset", "8"), ["p0-8", "p0-9", "p1-8", "p1-9"])
        self.assertEqual(self.read("--tail", "1"), ["p0-9", "p1-9"])
        self.assertEqual(self.read("--tail", "100"), every)
        self.assertEqual(self.read("--time", "2020-01-01"), every)
        self.assertEqual(self.read("--time", "2100-01-01"), [])
        self.assertEqual(self.read("--from-beginning", "--partition", "1", "--format", "%p %o\\n"),
                         sorted(f"1 {i}" for i in range(10)))
        self.assertEqual(self.read("--from-beginning", "--partition", "0,1"), every)

    def test_count_ends_it(self):
        done = self.leat("consume", "numbers", "--from-beginning", "--count", "3", "--partition", "0")
        self.assertEqual(done.stdout.splitlines(), ["p0-0", "p0-1", "p0-2"])

    def test_a_group_goes_on_where_it_was(self):
        first = self.leat("consume", "numbers", "--group", "g", "--from-beginning", "--count", "4", "--partition", "0").stdout
        second = self.leat("consume", "numbers", "--group", "g", "--from-beginning", "--exit-at-end", "--partition", "0").stdout
        self.assertEqual((first + second).splitlines(), [f"p0-{i}" for i in range(10)])
        self.assertIn("g", self.json("group", "list"))
        offsets = {o["partition"]: o["committed"] for o in self.json("group", "describe", "g")}
        self.assertEqual(offsets[0], 10)

    def test_ctrl_c_commits_and_ends_in_order(self):
        process = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, "consume", "numbers", "--group", "ctrl",
                                    "--from-beginning"], stdout=subprocess.PIPE, text=True)
        for _ in range(20):
            self.assertTrue(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()
        self.assertEqual([o["committed"] for o in self.json("group", "describe", "ctrl")], [10, 10])

    def test_an_unknown_topic_is_not_found(self):
        self.fails(3, "consume", "nowhere", "--from-beginning", "--exit-at-end")

    def test_offsets(self):
        found = self.json("offsets", "numbers", "--time", "2100-01-01")
        self.assertEqual(found, [{"topic": "numbers", "partition": p, "begin_offset": 0, "end_offset": 10, "offset_at_time": 10}
                                 for p in range(2)])
        self.assertIn("AT TIME", self.leat("offsets", "numbers", "--time", "0").stdout)
        self.fails(3, "offsets", "nowhere")

    def test_reset_and_lag(self):
        def lag(*arguments):
            return {row["partition"]: row["lag_records"] for row in self.json("lag", "--group", "r", *arguments)}

        self.json("group", "reset", "r", "--topic", "numbers", "--to", "earliest", "--yes")
        self.assertEqual(lag(), {0: 10, 1: 10})
        self.json("group", "reset", "r", "--topic", "numbers", "--to", "offset", "7")
        self.assertEqual(lag("--topic", "numbers"), {0: 3, 1: 3})
        self.fails(1, "group", "reset", "r", "--topic", "numbers", "--to", "offset", "99")
        self.fails(4, "lag", "--group", "r", "--wait", "--timeout", "300ms")
        self.json("group", "reset", "r", "--topic", "numbers", "--to", "time", "2020-01-01")
        self.assertEqual(lag(), {0: 10, 1: 10})
        self.json("group", "reset", "r", "--topic", "numbers", "--to", "latest")
        rows = self.json("lag", "--group", "r", "--wait", "--timeout", "10s")
        self.assertEqual(sorted(rows[0]),
                         ["committed", "end_offset", "group", "lag_records", "lag_seconds", "partition", "status", "topic"])
        self.assertIn("total: 0 records behind", self.leat("lag", "--group", "r").stdout)
        self.fails(3, "lag", "--group", "nobody")
        self.fails(3, "group", "describe", "nobody")
        self.fails(4, "lag", "--group", "nobody", "--wait", "--timeout", "300ms")


class Cluster(Tool):
    def test_cluster(self):
        found = self.json("cluster")
        self.assertEqual(len(found["brokers"]), 1)
        self.assertGreaterEqual(found["uptime_seconds"], 0)
        self.assertTrue(found["cluster_id"])
        self.assertIn(found["cluster_id"], self.leat("cluster").stdout)

    def test_status_tells_that_all_is_well(self):
        found = self.json("cluster", "status", "--check")
        self.assertTrue(found["healthy"])
        self.assertEqual((found["leaderless"], found["under_replicated"], found["reassigning"]), (0, 0, 0))
        self.assertEqual(found["brokers"][0]["state"], "live")
        self.assertTrue(found["brokers"][0]["controller"])
        self.assertGreaterEqual(found["brokers"][0]["leaders"], 2)
        self.assertIn("all have a leader", self.leat("cluster", "status").stdout)

    def test_brokers_and_quorum(self):
        broker = self.json("cluster", "brokers")[0]
        self.assertEqual((broker["id"], broker["grpc"], broker["kafka"]), (1, self.broker.grpc, self.broker.kafka))
        self.assertIn("LEADERS", self.leat("cluster", "brokers").stdout)
        quorum = self.json("cluster", "quorum")
        self.assertEqual((quorum["leader"], [voter["id"] for voter in quorum["voters"]]), (1, [1]))
        self.assertGreater(quorum["high_watermark"], 0)
        self.assertIn("leader 1", self.leat("cluster", "quorum").stdout)

    def test_one_node_stays_what_it_is(self):
        self.assertEqual(self.json("cluster", "rebalance"), {"moved": 0, "not_preferred": 0})
        self.assertIn("start another broker", self.fails(1, "cluster", "decommission", "1", "--yes"))
        self.assertEqual(self.json("cluster", "decommission", "1", "--cancel"), {"cancelled": 1})
        self.fails(3, "cluster", "decommission", "9", "--yes")
        self.fails(1, "cluster", "add-voter", "2", "--at", "127.0.0.1:9097")
        self.fails(3, "cluster", "remove-voter", "2", "--yes")
        self.fails(2, "cluster", "add-voter", "2")
        self.fails(2, "cluster", "nonsense")

    def test_replicas_of_a_topic(self):
        made = self.json("topic", "create", "copied", "--partitions", "2", "--replication-factor", "1")
        self.assertEqual([(p["leader"], p["replicas"], p["isr"]) for p in made["partitions"]], [(1, [1], [1])] * 2)
        self.assertIn("REPLICAS", self.leat("topic", "describe", "copied").stdout)
        placed = self.json("topic", "create", "placed", "--assign", "1", "--assign", "1")
        self.assertEqual(len(placed["partitions"]), 2)
        self.fails(1, "topic", "create", "many", "--replication-factor", "3")
        self.fails(1, "topic", "create", "elsewhere", "--assign", "7")
        self.fails(2, "topic", "create", "wrong", "--assign", "one")

    def test_a_cluster_on_this_machine_runs_until_it_is_interrupted(self):
        folder = pathlib.Path(self.broker.directory, "local")
        folder.mkdir()
        for name in ("1", "2"):
            folder.joinpath(name + ".yaml").write_text(
                f"data_dir: {folder}/data-{name}\nlisteners:\n  grpc: 127.0.0.1:0\n  kafka: [127.0.0.1:0]\n"
                "  admin: 127.0.0.1:0\n", encoding="utf-8")
        process = subprocess.Popen([str(BIN / "leat"), "cluster", "start-local", "--configs", str(folder), "--logs",
                                    str(folder), "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = json.loads(process.stdout.readline())
        self.assertEqual(len(ready["brokers"]), 2)
        for broker in ready["brokers"]:
            done = subprocess.run([str(BIN / "leat"), "--address", broker["grpc"], "cluster"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        os.kill(ready["brokers"][0]["pid"], signal.SIGKILL)
        self.assertIn("exit code 137", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()
        process.stderr.close()
        self.assertIn("stopping", folder.joinpath("leatd-2.log").read_text(encoding="utf-8"))

    def test_a_local_cluster_whose_data_was_removed_is_interrupted_all_the_same(self):
        folder = pathlib.Path(self.broker.directory, "removed")
        folder.mkdir()
        folder.joinpath("1.yaml").write_text(
            f"data_dir: {folder}/data\nlisteners:\n  grpc: 127.0.0.1:0\n  kafka: [127.0.0.1:0]\n  admin: 127.0.0.1:0\n",
            encoding="utf-8")
        process = subprocess.Popen([str(BIN / "leat"), "cluster", "start-local", "--configs", str(folder), "--logs",
                                    str(folder), "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(len(json.loads(process.stdout.readline())["brokers"]), 1)
        shutil.rmtree(folder / "data")
        process.send_signal(signal.SIGINT)
        code, said = process.wait(60), process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(code, 0, said)

    def test_a_local_cluster_that_cannot_start_says_why(self):
        self.fails(3, "cluster", "start-local", "--configs", "/nonexistent")
        folder = pathlib.Path(self.broker.directory, "broken")
        folder.mkdir()
        folder.joinpath("1.yaml").write_text("no.such.key: 1\n", encoding="utf-8")
        said = self.fails(1, "cluster", "start-local", "--configs", str(folder), "--logs", str(folder))
        self.assertIn("leatd-1.log", said)

    def test_the_output_option_may_stand_before_the_command(self):
        json.loads(self.leat("-o", "json", "topic", "list").stdout)

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([str(BIN / "leat"), "--address", self.broker.grpc, "topic", "list"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)


class Jobs(Tool):
    def test_a_script_that_is_no_utf8_is_refused_with_its_line(self):
        path = self.file("latin1.sql", "")
        with open(path, "wb") as file:
            file.write(b"-- fine\n-- caf\xe9\n")
        self.assertIn(":2: expected UTF-8", self.fails(1, "job", "submit", path))

    def what_its_operators_do(self, job):
        """Of the job of the next test, which has read two rows and written one."""
        rows = {o["name"].split("#")[0]: (o["rows_in"], o["rows_out"]) for o in job["operators"]}
        self.assertEqual(rows, {"Source clicks": (2, 2), "Calc": (2, 1), "Sink buys": (1, 1)})
        self.assertGreater(job["workers"], 0)
        self.assertGreater(job["checkpoint_bytes"], 0)
        self.assertEqual(job["latency"]["records"], 2)
        self.assertGreater(job["latency"]["p99_seconds"], 0)
        described = self.leat("job", "describe", "shop").stdout
        self.assertRegex(described, r"latency +p50 \S+, p95 \S+, p99 \S+\n")
        self.assertRegex(described, r"Sink buys#\d+ +1 +1 +0 +0 ")
        top = self.leat("job", "top", "--once", "--interval", "50ms").stdout
        self.assertIn("shop  RUNNING on node 1", top)
        self.assertRegex(top, r"shop +Source clicks#\d+ +0 +0 ")
        once = self.json("job", "top", "shop", "--once", "--interval", "50ms")
        self.assertEqual([o["rows_in_per_second"] for o in once[0]["operators"]], [0, 0, 0])
        self.fails(3, "job", "top", "nobody", "--once", "--interval", "50ms")
        self.fails(2, "job", "top", "--interval", "soon")

    def test_top_redraws_a_terminal_until_ctrl_c(self):
        leader, follower = pty.openpty()
        top = subprocess.Popen([BIN / "leat", "--address", self.broker.grpc, "job", "top", "--interval", "50ms"],
                               stdout=follower, stderr=subprocess.PIPE)
        os.close(follower)
        seen = b""
        while seen.count(b"\x1b[H") < 3:
            seen += os.read(leader, 4096)
        top.send_signal(signal.SIGINT)
        threading.Thread(target=lambda: self.drain(leader)).start()
        self.assertEqual(top.wait(timeout=30), 0)
        self.assertEqual(top.stderr.read(), b"")
        top.stderr.close()

    def drain(self, terminal):
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:  # the other end is closed
            os.close(terminal)

    def test_life_of_a_job(self):
        self.leat("topic", "create", "clicks", "--partitions", "2")
        self.leat("topic", "create", "buys", "--partitions", "1")
        path = self.file("shop.sql", JOB)
        self.assertIn("clicks", self.leat("job", "explain", path).stdout)
        self.assertTrue(self.json("job", "explain", path)["plan"])
        self.assertIn("leat job describe shop", self.leat("job", "submit", path).stdout)
        self.fails(1, "job", "submit", path)
        self.leat("produce", "clicks", "--input-format", "json", "--key", "user_name",
                  text_input='{"user_name":"ann","page":"buy"}\n{"user_name":"bob","page":"home"}\n')
        self.leat("lag", "--group", "shop", "--topic", "clicks", "--wait")
        self.assertEqual([json.loads(line)["user_name"] for line in self.values("buys").splitlines()], ["ann"])
        job = self.json("job", "describe", "shop")
        for name in ("name", "state", "error", "rows_in", "rows_out", "rows_late", "rows_dead", "checkpoints",
                     "checkpoint_age_ms", "state_bytes", "restarts", "inputs", "sql", "plan"):
            self.assertIn(name, job)
        self.assertEqual((job["name"], job["state"], job["node"]), ("shop", "RUNNING", 1))
        self.assertIn("node        1", self.leat("job", "describe", "shop").stdout)
        self.assertIn("NODE", self.leat("job", "list").stdout)
        self.assertIn("RUNNING", self.leat("job", "describe", "shop").stdout)
        self.assertIn("shop", [j["name"] for j in self.json("job", "list")])
        self.what_its_operators_do(job)
        self.leat("job", "logs", "shop")
        self.leat("job", "stop", "shop")
        self.assertEqual(self.json("job", "describe", "shop")["state"], "STOPPED")
        self.leat("job", "start", "shop")
        self.assertEqual(self.json("job", "submit", path, "--replace")["name"], "shop")
        self.leat("job", "stop", "shop")
        self.leat("job", "delete", "shop", "--yes")
        self.fails(3, "job", "describe", "shop")
        self.fails(3, "job", "stop", "shop")

    def test_a_replay_begins_where_it_is_told_and_writes_elsewhere(self):
        self.leat("topic", "create", "replayed", "--partitions", "1")
        path = self.file("again.sql", JOB.replace("'clicks'", "'replayed'").replace("'buys'", "'again'")
                         .replace("'json', 'scan", "'json', 'properties.group.id' = 'again', 'scan"))
        self.leat("job", "submit", path)
        line = '{"user_name":"%s","page":"buy"}\n'
        self.leat("produce", "replayed", "--input-format", "json", text_input=line % "ann" + line % "bob" + line % "cat")
        self.leat("lag", "--group", "again", "--topic", "replayed", "--wait")
        self.assertIn("topic again has records already", self.fails(1, "job", "submit", path, "--name", "b", "--from", "earliest"))
        self.fails(3, "job", "describe", "b")
        self.leat("job", "submit", path, "--name", "b", "--from", "offset", "1", "--topic-suffix=-b")
        self.leat("lag", "--group", "again-b", "--topic", "replayed", "--wait")
        self.assertEqual(self.values("again-b"), '{"user_name":"bob"}\n{"user_name":"cat"}\n')
        self.assertEqual(len(self.values("again").splitlines()), 3)
        # It has a checkpoint now, and goes on from that.
        self.leat("job", "stop", "b")
        self.leat("job", "start", "b")
        self.leat("produce", "replayed", "--input-format", "json", text_input=line % "dan")
        self.leat("lag", "--group", "again-b", "--topic", "replayed", "--wait")
        self.assertEqual(len(self.values("again-b").splitlines()), 3)
        self.assertIn("leat.start.from", self.json("job", "describe", "b")["sql"])
        # What is not there is said before the old job is removed.
        elsewhere = self.file("elsewhere.sql", pathlib.Path(path).read_text(encoding="utf-8").replace("again", "elsewhere").replace(
            "'scan.startup.mode' = 'earliest-offset'",
            "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:77'"))
        for file, *where in ((path, "--from", "offset", "77", "--append"), (elsewhere,)):
            self.assertIn("offset 77 of topic replayed, partition 0, which has the offsets 0 to 4",
                          self.fails(1, "job", "submit", file, "--name", "b", "--replace", *where))
        self.assertEqual(self.json("job", "describe", "b")["state"], "RUNNING")

    def test_an_error_in_the_sql_is_shown_with_its_place(self):
        path = self.file("wrong.sql", "SELECT FROM;\n")
        self.assertRegex(self.fails(1, "job", "submit", path), r"1:\d+|line 1")
        self.fails(3, "job", "describe", "wrong")


CENTS = """
SET 'leat.dead-letter.topic' = 'refused';
CREATE TABLE amounts (id STRING, amount STRING) WITH (
  'connector' = 'kafka', 'topic' = 'amounts', 'format' = 'json', 'scan.startup.mode' = 'START-offset');
CREATE TABLE cents (id STRING, cents BIGINT) WITH ('connector' = 'kafka', 'topic' = 'cents', 'format' = 'json');
INSERT INTO cents SELECT id, CAST(CAST(AMOUNT AS DECIMAL(12, 2)) * 100 AS BIGINT) FROM amounts;
"""


TWICE = """
CREATE TABLE numbers (id STRING, n STRING) WITH (
  'connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE ints (n INT) WITH ('connector' = 'kafka', 'topic' = 'ints', 'format' = 'json');
CREATE TABLE bigints (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bigints', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO ints SELECT CAST(n AS INT) FROM numbers;
INSERT INTO bigints SELECT CAST(n AS BIGINT) FROM numbers;
END;
"""


class DeadLetters(Tool):
    def submit(self, start, amount):
        path = self.file("cents.sql", CENTS.replace("START", start).replace("AMOUNT", amount))
        self.leat("job", "submit", path, "--replace")

    def produce(self, *lines):
        self.leat("produce", "amounts", "--header", "trace=7", text_input="".join(line + "\n" for line in lines))
        self.settle()

    def settle(self):
        self.leat("lag", "--group", "cents", "--topic", "amounts", "--wait")

    def retry(self, *arguments):
        done = self.json("dlq", "retry", "cents", *arguments)
        self.settle()
        return done["sent"], done["not_sent"]

    def test_life_of_dead_letters(self):
        self.leat("topic", "create", "amounts", "--partitions", "1")
        self.submit("earliest", "amount")
        self.assertEqual(self.leat("dlq", "list", "cents").stdout, "no dead letters wait\n")
        self.produce('{"id":"a","amount":"1.50"}', '{"id":"b","amount":"2,50"}')
        self.produce("no JSON", '{"id":"c","amount":"free"}')

        listed = self.json("dlq", "list")[0]
        self.assertEqual((listed["job"], listed["dead_letter_topic"], listed["count"]), ("cents", "refused", 3))
        self.assertEqual({(group["operator"], group["topic"], group["attempts"]) for group in listed["groups"]},
                         {("decode amounts", "amounts", 0), ("Calc#2", "amounts", 0)})
        self.assertIn("decode amounts", self.leat("dlq", "list", "cents").stdout)
        shown = self.json("dlq", "show", "cents")
        self.assertEqual([letter["origin"]["offset"] for letter in shown], [1, 2, 3])
        self.assertEqual(shown[1]["value"], "no JSON")
        self.assertEqual(shown[1]["headers"], [{"name": "trace", "value": "7"}])
        self.assertIn("free", self.leat("dlq", "show", "cents", "--offset", str(shown[2]["offset"])).stdout)

        # The mended job reads what comes from now on: only what is sent again reaches it.
        self.submit("latest", "REPLACE(amount, ',', '.')")
        self.assertEqual(self.retry("--limit", "1"), (1, 0))
        self.assertEqual(self.retry(), (2, 0))
        self.assertEqual(self.values("cents").splitlines(), ['{"id":"a","cents":150}', '{"id":"b","cents":250}'])
        again = self.values("amounts", "--format", "%v %h\\n").splitlines()[4:]
        self.assertEqual(again, ['{"id":"b","amount":"2,50"} trace=7,leat.attempt=1', "no JSON trace=7,leat.attempt=1",
                                 '{"id":"c","amount":"free"} trace=7,leat.attempt=1'])

        # The two that failed again are letters again; then the limit is reached.
        self.assertEqual([letter["attempts"] for letter in self.json("dlq", "show", "cents")], [1, 1])
        self.assertEqual(self.retry("--max-attempts", "2"), (2, 0))
        done = self.json("dlq", "retry", "cents", "--max-attempts", "2")
        self.assertEqual((done["sent"], done["not_sent"]), (0, 2))
        self.assertIn("2 time(s)", done["why"][0]["why"])
        self.assertEqual(self.retry(), (0, 0))
        self.assertEqual(len(self.json("dlq", "show", "cents", "--all")), 7)
        self.assertEqual(len(self.values("amounts").splitlines()), 9)

        # Automatically, after a pause; what is not due holds nothing up but itself.
        self.produce("neither", "nor")
        self.assertEqual(self.retry("--backoff", "1h"), (0, 0))
        following = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, "dlq", "retry", "cents", "--follow",
                                      "--backoff", "10ms", "--max-attempts", "1", "-o", "json"],
                                     stdout=subprocess.PIPE, text=True)
        sent = given_up = 0
        while given_up < 2:
            done = json.loads(following.stdout.readline())
            sent, given_up = sent + done["sent"], given_up + done["not_sent"]
        # Its letter does not hold the record, which came after the first look at the topic.
        self.produce('{"id":"z","amount":"priceless"}')
        while given_up < 3:
            done = json.loads(following.stdout.readline())
            sent, given_up = sent + done["sent"], given_up + done["not_sent"]
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=60)  # it may be telling of one more look
        self.assertEqual((following.returncode, sent), (0, 3))
        self.assertEqual(len(self.values("amounts").splitlines()), 15)

        self.produce("neither", "nor")
        self.assertEqual(self.json("dlq", "discard", "cents", "--limit", "1", "--yes"), {"discarded": 1})
        self.assertEqual([letter["value"] for letter in self.json("dlq", "show", "cents")], ["nor"])
        # Letters outlive their job.
        self.leat("job", "delete", "cents", "--yes")
        self.assertEqual(self.json("dlq", "show", "cents", "--topic", "refused")[0]["value"], "nor")
        self.leat("dlq", "discard", "cents", "--topic", "refused", "--yes")
        self.assertEqual(self.json("dlq", "list", "cents", "--topic", "refused")[0]["count"], 0)

    def test_two_letters_of_one_record_send_it_once(self):
        self.leat("topic", "create", "numbers", "--partitions", "1")
        self.leat("job", "submit", self.file("twice.sql", TWICE))
        self.leat("produce", "numbers", text_input='{"id":"a","n":"many"}\n{"id":"b","n":"more"}\n')
        self.leat("lag", "--group", "twice", "--topic", "numbers", "--wait")
        origins = [letter["origin"]["offset"] for letter in self.json("dlq", "show", "twice")]
        self.assertEqual(sorted(origins), [0, 0, 1, 1])
        sent = [self.json("dlq", "retry", "twice", "--limit", "1")["sent"] for _ in range(4)]
        self.assertEqual(sent, [1 if offset not in origins[:i] else 0 for i, offset in enumerate(origins)])
        self.assertEqual(len(self.values("numbers").splitlines()), 4)

    def test_letters_of_an_unknown_job_are_not_found(self):
        self.assertIn("leat job list", self.fails(3, "dlq", "show", "nobody"))
        self.fails(3, "dlq", "list", "nobody")


class Datagen(Tool):
    def test_transactions_go_to_a_topic_under_their_card(self):
        self.leat("topic", "create", "cards", "--partitions", "2")
        self.leat("datagen", "transactions", "--count", "500", "--seed", "3", "--topic", "cards")
        made = self.leat("datagen", "transactions", "--count", "500", "--seed", "3").stdout.splitlines()
        found = self.values("cards", "--format", "%k %v\\n").splitlines()
        self.assertEqual(sorted(found), sorted(f"{json.loads(line)['cc_num']} {line}" for line in made))


if __name__ == "__main__":
    unittest.main()
