"""Runs the commands of the guides, in their order, as a reader would: each guide in a folder and against a leatd of its own."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from leat_cluster import free_ports
from leat_process import BIN, Broker

GUIDES = pathlib.Path(__file__).resolve().parents[2] / "docs/guides"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(broker, block):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "LEAT_ADDRESS": broker.grpc,
                   "KAFKA": broker.kafka, "ADMIN": broker.admin}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=broker.directory, env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def copy_cluster(folder):
    """config/cluster with other ports; the addresses of the nodes for clients of Leat."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (GUIDES.parents[1] / "config/cluster").glob("*.yaml")}
    used = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", "".join(texts.values()))))
    new = dict(zip(used, free_ports(len(used))))
    target = folder / "config/cluster"
    target.mkdir(parents=True)
    grpc = []
    for name, text in sorted(texts.items()):
        text = re.sub(r"127\.0\.0\.1:(\d+)", lambda port: f"127.0.0.1:{new[port[1]]}", text)
        (target / name).write_text(text, encoding="utf-8")
        grpc.append(re.search(r'grpc: "(.*?)"', text)[1])
    return grpc


class Guides(unittest.TestCase):
    def run_guide(self, name):
        """The output of every block."""
        blocks = BLOCK.findall((GUIDES / name).read_text(encoding="utf-8"))
        outputs = []
        with Broker() as broker:
            os.symlink(GUIDES.parents[1] / "config", os.path.join(broker.directory, "config"))
            for block in blocks:
                done = run(broker, block)
                self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}{done.stderr}\n{broker.log_text()[-2000:]}")
                outputs.append(done.stdout)
        return outputs

    def test_first_steps(self):
        outputs = self.run_guide("first-steps.md")
        everything = "".join(outputs)
        self.assertIn('{"user_name":"cat","page":"home, sweet home"}', everything)
        self.assertIn('{"user_name":"ann"}', everything)
        self.assertIn("total: 0 records behind", everything)
        self.assertIn("total: 5 records behind", everything)

    def test_kafka_clients(self):
        everything = "".join(self.run_guide("kafka-clients.md"))
        self.assertIn("ann buy", everything)
        self.assertIn("from the other side", everything)
        self.assertIn("total: 0 records behind", everything)
        self.assertIn("one\ntwo\n", everything)

    def test_cluster(self):
        """The same configurations at ports that the system picks."""
        with tempfile.TemporaryDirectory(prefix="leat-guide-") as folder:
            grpc = copy_cluster(pathlib.Path(folder))
            environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "LEAT_ADDRESS": ",".join(grpc)}
            blocks = "\n".join(BLOCK.findall((GUIDES / "cluster.md").read_text(encoding="utf-8")))
            # One shell for all, whose end is the end of what it started.
            script = f"trap 'kill $(jobs -p); wait' EXIT\n{blocks}"
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=180)
            logs = "".join(path.read_text(errors="replace")[-3000:] for path in pathlib.Path(folder).rglob("*.log"))
            self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}\n{logs}")
            self.assertIn("produced 20000 records", done.stdout)
            self.assertEqual(done.stdout.splitlines().count("20000"), 2, f"read twice\n{done.stdout}")
            self.assertRegex(done.stdout, r"\ndigits +RUNNING +\d +20000 ", "what the job has read")
            self.assertIn("fenced", done.stdout)
            self.assertIn("in sync", done.stdout)
            self.assertIn("\n10\nnode ", done.stdout)

    def test_iot(self):
        everything = "".join(self.run_guide("iot.md"))
        self.assertIn("13 ec2_cpu_utilization_c6585a\n", everything)
        self.assertIn('"since":"2014-04-10 11:29:00"', everything)
        self.assertIn("leat.operator=WindowAggregate", everything)
        self.assertIn('expected DOUBLE, got "n/a"', everything)

    def test_dashboard(self):
        everything = "".join(self.run_guide("dashboard.md"))
        self.assertIn('"path":"/misc/Title.php.txt","status":500', everything)
        self.assertIn("\n1486\n38\n", everything)
        self.assertIn("the event time column event_time is NULL", everything)

    def test_supply(self):
        outputs = self.run_guide("supply.md")
        late, found = outputs[1].split()
        self.assertEqual(late, found)
        self.assertGreater(int(late), 3)
        unapproved, unapproved_found, undelivered, undelivered_found = outputs[2].splitlines()[-4:]
        self.assertEqual((unapproved, undelivered), (unapproved_found, undelivered_found))

    def test_recommend(self):
        outputs = self.run_guide("recommend.md")
        planted, found = (json.loads(line) for line in outputs[1].splitlines()[-2:])
        self.assertEqual((found["other_id"], found["sessions"]), (planted["other"], planted["sessions"]))

    def test_dead_letters(self):
        outputs = self.run_guide("dead-letters.md")
        self.assertIn("decode payments", outputs[1])
        self.assertIn('record    payments-0 at offset 1', outputs[1])
        self.assertIn("sent 3 record(s) again; 0 could not be", outputs[2])
        self.assertIn('{"id":"a","cents":1250}\n{"id":"b","cents":720}\n', outputs[2])
        self.assertTrue(outputs[3].endswith("passed over 2 dead letter(s); payments-dlq keeps them for its retention time\n"
                                            "no dead letters wait\n"), outputs[3])

    def test_job_tests(self):
        outputs = self.run_guide("job-tests.md")
        self.assertIn("2 passed, 0 failed", outputs[0])
        self.assertIn('visits.test.yaml:12: topic minutes: expected 1 row(s), got 1', outputs[1])
        self.assertIn('      - {"page":"home","visits":3}\n      + {"page":"home","visits":2}\n', outputs[1])
        self.assertTrue(outputs[1].endswith("1 passed, 1 failed\nexit code 1\n"), outputs[1])

    def test_views(self):
        outputs = self.run_guide("views.md")
        ada = '{"account":"ada","cents":700,"movements":2}'
        alan = '{"account":"alan","cents":42,"movements":1}'
        self.assertIn(f"{ada}\nada\t{ada}\nalan\t{alan}\n", outputs[1])
        one, end = json.JSONDecoder().raw_decode(outputs[2])
        page = json.loads(outputs[2][end:])
        self.assertEqual([row["value"] for row in one["rows"]], [json.loads(ada)])
        self.assertEqual([row["key"] for row in page["rows"]], ["ada", "alan"])
        self.assertEqual(page["next"], "bob")
        self.assertIn(f"+\tada\t{ada}\n", outputs[3])

    def test_watching(self):
        outputs = self.run_guide("watching.md")
        self.assertRegex(outputs[1], r"Source visits#\d+ +4 +3 +0 +1 ")
        self.assertRegex(outputs[1], r"latency +p50 \S+, p95 \S+, p99 \S+\n")
        self.assertRegex(outputs[1], r"visits  RUNNING on node 1")
        self.assertIn("<title>Leat</title>", outputs[2])
        lags, end = outputs[3].split("{", 1)
        self.assertRegex(lags, r"visits +visits +\d +\d+ +\d+ +0 +0.0 +ok\n")
        self.assertEqual({row["status"] for row in json.loads("{" + end)["lag"]}, {"ok"})
        self.assertEqual(outputs[4], "1\n")

    def test_outgrow(self):
        outputs = self.run_guide("outgrow.md")
        self.assertIn("'topic' = 'fraud-alerts-flink',", outputs[0])
        self.assertIn("'properties.group.id' = 'fraud-flink',", outputs[0])
        self.assertRegex(outputs[0], r"'properties.bootstrap.servers' = '127.0.0.1:\d+'")
        self.assertIn("'scan.startup.mode' = 'group-offsets',", outputs[1])
        self.assertIn("'properties.group.id' = 'large',", outputs[1])
        self.assertIn("'topic' = 'large',", outputs[1])

    def test_replay(self):
        outputs = self.run_guide("replay.md")
        self.assertIn('{"shop":"north","orders":2,"total":109.00}\n', outputs[0])
        self.assertEqual(sorted(line for line in outputs[1].splitlines() if line.startswith("{")),
                         ['{"shop":"north","orders":1,"total":10.00}', '{"shop":"south","orders":1,"total":5.50}'])
        self.assertIn("RUNNING", outputs[2])

    def test_fraud(self):
        everything = "".join(self.run_guide("fraud.md"))
        self.assertEqual(re.findall(r'(\d+) "reason":"(.*)"', everything),
                         [("53", "blocked-merchant"), ("5", "small-then-large"), ("73", "too-fast")])
        self.assertTrue(everything.endswith("\n16\n"), everything[-200:])

    def test_upgrade(self):
        outputs = self.run_guide("upgrade.md")
        self.assertRegex(outputs[1], r"can be upgraded\n(.*\n)*  keeps its state: GroupAggregate#\d+ \(keys clicks.usr STRING; aggregates COUNT\(\*\)\)")
        self.assertIn("with revision 2 of its SQL", outputs[1])
        self.assertIn('{"usr":"ann","n":3,"often":true}\n{"page":"shop","n":1}\n', outputs[1])
        self.assertIn("loses its state: GroupAggregate#", outputs[2])
        self.assertIn("revision    2 of its SQL", outputs[2])

    def test_every_guide_is_run(self):
        tested = {"first-steps.md", "kafka-clients.md", "cluster.md", "iot.md", "dashboard.md", "supply.md", "recommend.md", "fraud.md",
                  "dead-letters.md", "job-tests.md", "outgrow.md", "replay.md", "upgrade.md", "views.md", "watching.md"}
        self.assertEqual({path.name for path in GUIDES.glob("*.md") if BLOCK.search(path.read_text(encoding="utf-8"))}, tested)


if __name__ == "__main__":
    unittest.main()
