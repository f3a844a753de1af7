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
                   "KAFKA": broker.kafka}
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
            # Produced, read twice, and what the job has read.
            self.assertEqual(done.stdout.split().count("20000"), 4, done.stdout)
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

    def test_fraud(self):
        everything = "".join(self.run_guide("fraud.md"))
        self.assertEqual(re.findall(r'(\d+) "reason":"(.*)"', everything),
                         [("53", "blocked-merchant"), ("5", "small-then-large"), ("73", "too-fast")])
        self.assertTrue(everything.endswith("\n16\n"), everything[-200:])

    def test_every_guide_is_run(self):
        tested = {"first-steps.md", "kafka-clients.md", "cluster.md", "iot.md", "dashboard.md", "supply.md", "recommend.md", "fraud.md"}
        self.assertEqual({path.name for path in GUIDES.glob("*.md") if BLOCK.search(path.read_text(encoding="utf-8"))}, tested)


if __name__ == "__main__":
    unittest.main()
