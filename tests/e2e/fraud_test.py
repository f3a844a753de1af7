"""The fraud job on real processes, against the plain reference program: straight, and with the daemon killed."""

import csv
import json
import subprocess
import unittest
from decimal import Decimal

import fraud_reference
from leat_process import BIN, SOURCE, Broker

PARTITIONS = 4
JOB = SOURCE / "config/jobs/fraud.sql"
CARDS = SOURCE / "config/data/card_transactions.csv"


def wait_until_read(broker, group, topic):
    """Returns when the group has committed every record of the topic: asks the broker, which long-polls for us."""
    broker.leat("lag", "--group", group, "--topic", topic, "--wait", "--timeout", "120s")


def read_alerts(broker):
    """Every committed alert on the topic, by id. Each is there once."""
    found = {}
    lines = broker.leat("consume", "fraud-alerts", "--from-beginning", "--exit-at-end", "--format", "%v\\n").stdout
    for line in lines.splitlines():
        alert_id, alert = fraud_reference.parse_alert(json.loads(line, parse_float=Decimal))
        assert alert_id not in found, ("twice", found[alert_id], alert)
        found[alert_id] = alert
    return found


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def submit(broker):
    broker.leat("topic", "create", "transactions", "--partitions", str(PARTITIONS))
    broker.leat("job", "submit", str(JOB))


class Fraud(unittest.TestCase):
    maxDiff = 2000

    def check(self, broker, transactions):
        wait_until_read(broker, "fraud", "transactions")
        expected = fraud_reference.alerts(transactions, PARTITIONS)
        found = read_alerts(broker)
        self.assertEqual(sorted(found), sorted(expected))
        for alert_id, alert in expected.items():
            self.assertEqual(found[alert_id], alert, alert_id)
        job = broker.json("job", "describe", "fraud")
        self.assertEqual((job["state"], job["rows_late"], job["rows_dead"]), ("RUNNING", 0, 0))
        return expected

    def test_real_transactions(self):
        with Broker() as broker:
            submit(broker)
            broker.leat("produce", "transactions", "--file", str(CARDS), "--key", "cc_num")
            expected = self.check(broker, read_csv(CARDS))
            self.assertEqual(sum(1 for a in expected.values() if a["reason"] == "large-amount"), 59)

    def test_real_transactions_with_the_daemon_killed_five_times(self):
        with Broker() as broker:
            submit(broker)
            rows = CARDS.read_text(encoding="utf-8").splitlines(keepends=True)
            header, rows = rows[0], rows[1:]
            piece = len(rows) // 5 + 1
            for i in range(0, len(rows), piece):
                part = subprocess.run([str(BIN / "leat"), "--address", broker.grpc, "produce", "transactions", "--file", "-",
                                       "--input-format", "csv", "--key", "cc_num"],
                                      input=header + "".join(rows[i:i + piece]), text=True, capture_output=True)
                self.assertEqual(part.returncode, 0, part.stderr)
                broker.kill()
                broker.start()
            self.check(broker, read_csv(CARDS))

    def test_generated_transactions_with_planted_fraud(self):
        with Broker() as broker:
            submit(broker)
            truth = broker.directory + "/truth.jsonl"
            stream = broker.directory + "/transactions.jsonl"
            subprocess.run([str(BIN / "leat"), "datagen", "transactions", "--count", "20000", "--seed", "7",
                            "--truth", truth, "--out", stream], check=True)
            broker.leat("produce", "transactions", "--file", stream, "--key", "cc_num")
            with open(stream, encoding="utf-8") as file:
                transactions = [json.loads(line, parse_float=str, parse_int=str) for line in file]
            expected = self.check(broker, transactions)
            with open(truth, encoding="utf-8") as file:
                planted = [json.loads(line) for line in file]
            self.assertGreater(len(planted), 0)
            reasons = {(a["reason"], a["cc_num"]) for a in expected.values()}
            missed = [p for p in planted if (p["reason"], p["cc_num"]) not in reasons]
            # Velocity planted in the last ten minutes has no closed window yet.
            self.assertLessEqual(len(missed), 2, missed[:5])


if __name__ == "__main__":
    unittest.main()
