"""Views as people use them: by the tool and over HTTP, over a kill and on a cluster."""

import json
import unittest
import urllib.parse

from leat_cluster import LeatCluster
from leat_process import Broker


def table(text):
    return dict(line.split("\t", 1) for line in text.splitlines())


def rows(answer):
    return {row["key"]: row.get("value", row.get("value_text")) for row in answer["rows"]}


class Views(unittest.TestCase):
    def scan(self, broker):
        return table(broker.leat("view", "scan", "users").stdout)

    def get(self, broker, **query):
        status, body = broker.http("/v1/views/users?" + urllib.parse.urlencode(query))
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def test_a_view_is_the_same_after_a_kill(self):
        with Broker() as broker:
            broker.leat("topic", "create", "users", "--partitions", "3", "--config", "cleanup.policy=compact")
            broker.leat("view", "create", "users")
            broker.leat("produce", "users", "--input-format", "json", "--key", "id", text_input="".join(
                json.dumps({"id": f"u{n % 500:03}", "n": n}) + "\n" for n in range(5000)))
            before = self.scan(broker)
            self.assertEqual(len(before), 500)
            for n in (0, 77, 499):
                self.assertEqual(json.loads(before[f"u{n:03}"])["n"], 4500 + n)
            broker.leat("produce", "users", "--key-separator", ":", "--null-value", "gone", text_input="u000:gone\nu001:plain\n")
            del before["u000"]
            before["u001"] = "plain"
            self.assertEqual(self.scan(broker), before)
            broker.kill()
            broker.start()
            self.assertEqual(self.scan(broker), before)
            self.assertEqual(broker.stop(), 0)
            broker.start()
            self.assertEqual(self.scan(broker), before)

    def test_rows_by_key_prefix_and_range(self):
        with Broker() as broker:
            broker.leat("topic", "create", "users", "--partitions", "2", "--config", "cleanup.policy=compact")
            self.assertEqual(broker.leat("view", "get", "users", "a", check=False).returncode, 3)
            broker.leat("view", "create", "users")
            broker.leat("produce", "users", "--input-format", "json", "--key", "k", text_input="".join(
                json.dumps({"k": key}) + "\n" for key in ("a", "ab", "b", "c")))
            self.assertEqual(json.loads(broker.leat("view", "get", "users", "ab").stdout), {"k": "ab"})
            missing = broker.leat("view", "get", "users", "z", check=False)
            self.assertEqual(missing.returncode, 3)
            self.assertIn("no row with key 'z'", missing.stderr)
            self.assertEqual(list(table(broker.leat("view", "scan", "users", "--prefix", "a").stdout)), ["a", "ab"])
            self.assertEqual(list(table(broker.leat("view", "scan", "users", "--from", "ab", "--to", "c").stdout)), ["ab", "b"])
            self.assertEqual(rows(self.get(broker, key="b")), {"b": {"k": "b"}})
            self.assertEqual(rows(self.get(broker, key="z")), {})
            page = self.get(broker, limit=3)
            self.assertEqual((list(rows(page)), page["next"]), (["a", "ab", "b"], "c"))
            self.assertEqual(sum(offset["offset"] for offset in page["offsets"]), 4)
            rest = self.get(broker, limit=3, **{"from": page["next"]})
            self.assertEqual((list(rows(rest)), rest["next"]), (["c"], None))
            self.assertEqual(json.loads(broker.http("/v1/views")[1]), {"views": [{"name": "users"}]})
            for query, code in (("limit=0", 400), ("keys=a", 400), ("key=a&prefix=b", 400), ("key_base64=*", 400), ("partition=9", 404)):
                self.assertEqual(broker.http("/v1/views/users?" + query)[0], code, query)
            self.assertEqual(broker.http("/v1/views/nothing")[0], 404)
            listed = broker.json("view", "list")
            self.assertEqual([view["name"] for view in listed], ["users"])
            broker.leat("view", "delete", "users")
            self.assertEqual(broker.http("/v1/views/users")[0], 404)
            self.assertEqual(len(broker.leat("consume", "users", "--from-beginning", "--exit-at-end").stdout.splitlines()), 4)

    def test_a_topic_that_is_not_compacted_is_refused(self):
        with Broker() as broker:
            broker.leat("topic", "create", "clicks")
            refused = broker.leat("view", "create", "clicks", check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("cleanup.policy=compact", refused.stderr)

    def test_every_node_of_a_cluster_answers_and_a_view_outlives_its_leader(self):
        with LeatCluster("topics.replication_factor=3") as cluster:
            cluster.leat("topic", "create", "users", "--partitions", "3", "--config", "cleanup.policy=compact",
                         "--config", "leat.view=true")
            cluster.leat("produce", "users", "--input-format", "json", "--key", "k", text_input="".join(
                json.dumps({"k": f"u{n}"}) + "\n" for n in range(300)))
            wanted = table(cluster.leat("view", "scan", "users").stdout)
            self.assertEqual(len(wanted), 300)
            for node in cluster.nodes.values():
                self.assertEqual(rows(json.loads(node.http("/v1/views/users?limit=1000")[1])),
                                 {key: json.loads(value) for key, value in wanted.items()})
            cluster.nodes[1].kill()
            self.assertEqual(table(cluster.leat("--request-timeout", "60s", "view", "scan", "users").stdout), wanted)


if __name__ == "__main__":
    unittest.main()
