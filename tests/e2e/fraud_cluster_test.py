"""The fraud job in a cluster of three real daemons, while the one that it runs on is killed twice."""

import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from decimal import Decimal

import fraud_reference
from leat_cluster import free_ports
from leat_process import BIN, SOURCE

PARTITIONS = 4
NODES = 3
JOB = SOURCE / "config/jobs/fraud.sql"
CARDS = SOURCE / "config/data/card_transactions.csv"


class Cluster:
    """config/cluster at ports that the system picks, in a folder of its own. Use as a context manager."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-e2e-cluster-"))
        texts = {path.name: path.read_text(encoding="utf-8") for path in (SOURCE / "config/cluster").glob("*.yaml")}
        used = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", "".join(texts.values()))))
        new = dict(zip(used, free_ports(len(used))))
        self.grpc = []
        for name, text in sorted(texts.items()):
            text = re.sub(r"127\.0\.0\.1:(\d+)", lambda port: f"127.0.0.1:{new[port[1]]}", text)
            (self.folder / name).write_text(text, encoding="utf-8")
            self.grpc.append(re.search(r'grpc: "(.*?)"', text)[1])
        (self.folder / "leat-cluster").mkdir()
        secret = self.folder / "leat-cluster/secret"
        secret.write_text("0123456789abcdef0123456789abcdef\n")
        secret.chmod(0o600)
        self.nodes = {}

    def __enter__(self):
        for node in range(1, NODES + 1):
            self.begin(node)
        for node in range(1, NODES + 1):
            self.wait_ready(node)
        return self

    def __exit__(self, *_):
        for process in self.nodes.values():
            process.kill()
            process.wait()
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, node):
        with open(self.folder / f"{node}.log", "ab") as log:
            self.nodes[node] = subprocess.Popen([str(BIN / "leatd"), "--config", f"{node}.yaml"], cwd=self.folder,
                                                stdout=subprocess.PIPE, stderr=log)

    def wait_ready(self, node):
        line = self.nodes[node].stdout.readline()
        if not line:
            raise RuntimeError(f"node {node} ended before it was ready:\n{self.logs()}")

    def kill(self, node):
        self.nodes[node].send_signal(signal.SIGKILL)
        self.nodes[node].wait()
        self.nodes[node].stdout.close()

    def logs(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
                       for path in sorted(self.folder.glob("*.log")))

    def leat(self, *arguments, text=None, check=True):
        done = subprocess.run([str(BIN / "leat"), *arguments], input=text, text=True, capture_output=True, timeout=180,
                              env={**os.environ, "LEAT_ADDRESS": ",".join(self.grpc)}, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"leat {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}\n{self.logs()}")
        return done

    def changelog_leader(self):
        """The node that leads the job's changelog, once there is one that runs."""
        for _ in range(3000):
            done = self.leat("topic", "describe", "__leat_changelog_fraud", "-o", "json", check=False)
            if done.returncode == 0:
                leader = json.loads(done.stdout)["partitions"][0]["leader"]
                if leader in self.nodes and self.nodes[leader].poll() is None:
                    return leader
        raise AssertionError(f"the changelog of the job has no leader that runs\n{self.logs()}")


def read_alerts(cluster):
    """Every committed alert on the topic, by id; each is there once."""
    found = {}
    lines = cluster.leat("consume", "fraud-alerts", "--from-beginning", "--exit-at-end", "--format", "%v\\n").stdout
    for line in lines.splitlines():
        alert_id, alert = fraud_reference.parse_alert(json.loads(line, parse_float=Decimal))
        assert alert_id not in found, (found[alert_id], alert)
        found[alert_id] = alert
    return found


class FraudInACluster(unittest.TestCase):
    maxDiff = 2000

    def test_alerts_are_those_of_the_plain_program_while_the_node_of_the_job_is_killed_twice(self):
        with open(CARDS, newline="", encoding="utf-8") as file:
            expected = fraud_reference.alerts(list(csv.DictReader(file)), PARTITIONS)
        rows = CARDS.read_text(encoding="utf-8").splitlines(keepends=True)
        header, rows = rows[0], rows[1:]
        piece = len(rows) // 3 + 1
        with Cluster() as cluster:
            cluster.leat("topic", "create", "transactions", "--partitions", str(PARTITIONS), "--replication-factor", "3",
                         "--config", "min.insync.replicas=2")
            cluster.leat("topic", "create", "fraud-alerts", "--partitions", "4", "--replication-factor", "3")
            cluster.leat("job", "submit", str(JOB))
            ran_on = []
            for part in range(3):
                cluster.leat("produce", "transactions", "--file", "-", "--input-format", "csv", "--key", "cc_num",
                             text=header + "".join(rows[part * piece:(part + 1) * piece]))
                if part == 2:
                    break
                owner = cluster.changelog_leader()
                ran_on.append(owner)
                cluster.kill(owner)
                cluster.changelog_leader()
                cluster.begin(owner)
                cluster.wait_ready(owner)
            cluster.leat("lag", "--group", "fraud", "--topic", "transactions", "--wait", "--timeout", "120s")
            found = read_alerts(cluster)
            self.assertEqual(sorted(found), sorted(expected), cluster.logs())
            for alert_id, alert in expected.items():
                self.assertEqual(found[alert_id], alert, alert_id)
            # Any node knows how it stands.
            for address in cluster.grpc:
                job = json.loads(cluster.leat("--address", address, "job", "describe", "fraud", "-o", "json").stdout)
                self.assertEqual((job["state"], job["rows_in"], job["rows_dead"]), ("RUNNING", len(rows), 0), ran_on)
                self.assertEqual(job["node"], cluster.changelog_leader())


if __name__ == "__main__":
    unittest.main()
