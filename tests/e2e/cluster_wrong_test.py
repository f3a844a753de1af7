"""What operators get wrong with clusters of real daemons: each is told clearly, harms nobody, and is mended by putting it right."""

import contextlib
import datetime
import json
import os
import shutil
import subprocess
import unittest

from leat_cluster import LeatCluster, free_ports


def await_log(broker, text):
    """Until the daemon has said so, which it may do again and again; it must not end before."""
    path = os.path.join(broker.directory, "leatd.log")
    with open(path, encoding="utf-8", errors="replace") as log:
        said = ""
        while text not in said:
            more = log.read()
            said += more
            if more:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                broker.process.wait(0.05)
                raise AssertionError(f"expected '{text}' in the log before leatd ends, got\n{said}")
    return said


class ClusterWrong(unittest.TestCase):
    def make_topic(self, cluster):
        cluster.leat("topic", "create", "t", "--partitions", "3", "--replication-factor", "3", "--config", "min.insync.replicas=2")

    def produce(self, cluster, *values):
        cluster.leat("produce", "t", text_input="".join(f"{value}\n" for value in values))

    def values(self, cluster):
        return sorted(cluster.leat("consume", "t", "--from-beginning", "--exit-at-end").stdout.split())

    def assert_ends(self, broker, code, text):
        self.assertEqual(broker.process.wait(60), code, broker.log_text())
        self.assertIn(text, broker.log_text())

    def test_two_nodes_with_one_id(self):
        with LeatCluster() as cluster:
            self.make_topic(cluster)
            twin = cluster.make(2, port=free_ports(1)[0])
            twin.begin()
            self.assert_ends(twin, 2, "expected the port of this node (node_id 2) in cluster.voters")
            twin.__exit__()
            self.produce(cluster, "a")
            self.assertEqual(self.values(cluster), ["a"])
            self.with_its_own_id(cluster)

    def with_its_own_id(self, cluster):
        """It is a broker without a vote then, which gets one, and stays when the controller dies and the vote is taken."""
        cluster.nodes[4] = fourth = cluster.make(4, port=free_ports(1)[0])
        cluster.start(4)
        cluster.leat("topic", "create", "wide", "--partitions", "4", "--replication-factor", "4")
        quorum = self.quorum(cluster)
        self.assertEqual([member["id"] for member in quorum["observers"]], [4])
        cluster.leat("cluster", "add-voter", "4", "--at", next(at for at in fourth.settings if "internal" in at).split("=")[1])
        cluster.nodes[quorum["leader"]].kill()
        self.produce(cluster, "b")
        cluster.leat("cluster", "remove-voter", "4", "--yes")
        cluster.start(quorum["leader"])
        quorum = self.quorum(cluster)
        self.assertEqual(sorted(member["id"] for member in quorum["voters"]), [1, 2, 3])
        while cluster.leat("cluster", "status", "--check", check=False).returncode != 0:
            pass  # the one that was killed fetches what it missed
        fourth.stop()
        cluster.start(4)
        self.assertEqual(self.values(cluster), ["a", "b"])

    def quorum(self, cluster):
        """As the node that leads it tells: only that one knows who has no vote."""
        asked = None
        while True:
            node = cluster if asked is None else cluster.nodes[asked]
            quorum = json.loads(node.leat("cluster", "quorum", "-o", "json").stdout)
            if quorum["leader"] == asked:
                return quorum
            asked = quorum["leader"] if quorum["leader"] in cluster.nodes else None

    def test_a_voter_that_was_never_started(self):
        with LeatCluster(started=()) as cluster:
            for node in (1, 2):
                cluster.nodes[node].begin()
            said = [await_log(cluster.nodes[node], "the cluster begins with 3 brokers") for node in (1, 2)]
            for text in said:
                self.assertIn("so far there are 2 (1, 2)", text)
            # By the node that leads the quorum; the other one asks nothing of node 3.
            self.assertIn("cannot reach node 3 at", "".join(said))
            cluster.start(3)
            for node in (1, 2):
                cluster.nodes[node].wait_ready()
            self.make_topic(cluster)
            self.produce(cluster, "a")
            self.assertEqual(self.values(cluster), ["a"])

    def test_a_majority_down(self):
        with LeatCluster() as cluster:
            self.make_topic(cluster)
            self.produce(cluster, "a")
            for node in (2, 3):
                cluster.nodes[node].kill()
            await_log(cluster.nodes[1], "no active controller is known")
            refused = cluster.leat("topic", "create", "u", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("more than half of the nodes of cluster.voters", refused.stderr)
            self.assertIn("no active controller", cluster.leat("cluster", "status").stdout)
            # What nobody can acknowledge is told of while the producer goes on trying, and taken once that is possible.
            with cluster.begin_leat("produce", "t", "--partition", "0") as producer:
                producer.stdin.write("b\n")
                producer.stdin.close()
                self.assertIn("not taken yet, still trying", producer.stderr.readline())
                cluster.start(2)
                self.assertEqual(producer.wait(120), 0, producer.stderr.read())
            self.assertEqual(self.values(cluster), ["a", "b"])
            cluster.leat("topic", "create", "u")

    def test_another_secret_and_another_clusters_data(self):
        with LeatCluster() as cluster, LeatCluster() as other:
            self.make_topic(cluster)
            node = cluster.nodes[3]
            node.stop()
            right = list(node.settings)
            node.settings = [setting.replace(str(cluster.secret), str(cluster.new_secret("wrong"))) for setting in right]
            node.begin()
            await_log(node, "does not know this cluster's secret; compare cluster.secret_file")
            node.kill()
            node.settings = right
            other.nodes[3].stop()
            shutil.move(node.data_dir, node.data_dir + "-kept")
            shutil.move(other.nodes[3].data_dir, node.data_dir)
            node.begin()
            await_log(node, "it belongs to cluster ")
            self.produce(cluster, "a")
            node.kill()
            node.wipe()
            shutil.move(node.data_dir + "-kept", node.data_dir)
            cluster.start(3)
            self.produce(cluster, "b")
            self.assertEqual(self.values(cluster), ["a", "b"])

    def test_data_directories_that_were_mixed_up(self):
        with LeatCluster() as cluster:
            self.make_topic(cluster)
            self.produce(cluster, "a")
            second, third = cluster.nodes[2], cluster.nodes[3]
            for node in (second, third):
                node.stop()
            second.directory, third.directory = third.directory, second.directory
            for node, of in ((second, 3), (third, 2)):
                node.begin()
                self.assert_ends(node, 1, f"this directory holds the data of node {of}")
                node.kill()
            second.directory, third.directory = third.directory, second.directory
            cluster.start(2, 3)
            self.produce(cluster, "b")
            self.assertEqual(self.values(cluster), ["a", "b"])

    @unittest.skipUnless("LEAT_SHIFTED_CLOCK" in os.environ, "built without the library that shifts a clock")
    def test_clocks_that_are_hours_apart(self):
        cluster = LeatCluster()
        for node, hours in ((1, 0), (2, 1), (3, -1)):
            cluster.nodes[node].environment = {**os.environ, "LD_PRELOAD": os.environ["LEAT_SHIFTED_CLOCK"],
                                               "LEAT_CLOCK_SHIFT": str(hours * 3600)}
        with cluster:
            said = {node: datetime.datetime.fromisoformat(broker.log_text()[:19]) for node, broker in cluster.nodes.items()}
            self.assertGreater(said[2] - said[1], datetime.timedelta(minutes=30))
            self.assertGreater(said[1] - said[3], datetime.timedelta(minutes=30))
            self.make_topic(cluster)
            self.produce(cluster, 0)
            for node in cluster.nodes:
                cluster.nodes[node].kill()
                self.produce(cluster, node)
                cluster.start(node)
            self.assertEqual(self.values(cluster), ["0", "1", "2", "3"])


if __name__ == "__main__":
    unittest.main()
