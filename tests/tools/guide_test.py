"""Runs the commands of the guides, in their order, as a reader would: each guide in a folder and against a leatd of its own."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from leat_process import BIN, Broker

GUIDES = pathlib.Path(__file__).resolve().parents[2] / "docs/guides"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(broker, block):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "LEAT_ADDRESS": broker.grpc,
                   "KAFKA": broker.kafka}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=broker.directory, env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


class Guides(unittest.TestCase):
    def run_guide(self, name):
        """The output of every block."""
        blocks = BLOCK.findall((GUIDES / name).read_text(encoding="utf-8"))
        outputs = []
        with Broker() as broker:
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

    def test_every_guide_is_run(self):
        tested = {"first-steps.md", "kafka-clients.md"}
        self.assertEqual({path.name for path in GUIDES.glob("*.md") if BLOCK.search(path.read_text(encoding="utf-8"))}, tested)


if __name__ == "__main__":
    unittest.main()
