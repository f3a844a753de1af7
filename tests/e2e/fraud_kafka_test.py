"""The fraud job between Kafka clients: kcat writes the transactions, and a Kafka consumer reads the alerts."""

import csv
import json
import shutil
import subprocess
import unittest
from decimal import Decimal

import fraud_reference
from leat_process import SOURCE, Broker

PARTITIONS = 4
JOB = SOURCE / "config/jobs/fraud.sql"
CARDS = SOURCE / "config/data/card_transactions.csv"


def kcat(broker, *arguments, text=None):
    done = subprocess.run(["kcat", "-b", broker.kafka, *arguments], input=text, text=True, capture_output=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"kcat {' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-2000:]}\n"
                             f"--- leatd ---\n{broker.log_text()[-4000:]}")
    return done.stdout


def produce(broker, rows, *arguments):
    """One JSON object a row, keyed by the card. The partitioner is the one of the Java client and of leat."""
    lines = [f"{row['cc_num']}\t{json.dumps(row)}" for row in rows]
    kcat(broker, "-P", "-t", "transactions", "-K", "\t", "-X", "topic.partitioner=murmur2_random", *arguments,
         text="\n".join(lines) + "\n")


def read_alerts(broker):
    """Every alert by id, through a consumer group that sees what is committed."""
    found = {}
    lines = kcat(broker, "-G", "alert-readers", "-q", "-e", "-X", "auto.offset.reset=earliest", "-X",
                 "isolation.level=read_committed", "-f", "%k\t%s\n", "fraud-alerts")
    for line in lines.splitlines():
        key, value = line.split("\t", 1)
        alert_id, alert = fraud_reference.parse_alert(json.loads(value, parse_float=Decimal))
        assert key == alert["cc_num"], (key, alert)
        assert alert_id not in found, ("twice", found[alert_id], alert)
        found[alert_id] = alert
    return found


@unittest.skipUnless(shutil.which("kcat"), "SKIPPED: no kcat (tools/setup installs it)")
class FraudBetweenKafkaClients(unittest.TestCase):
    maxDiff = 2000

    def check(self, broker, rows):
        broker.leat("lag", "--group", "fraud", "--topic", "transactions", "--wait", "--timeout", "120s")
        expected = fraud_reference.alerts(rows, PARTITIONS)
        found = read_alerts(broker)
        self.assertEqual(sorted(found), sorted(expected))
        for alert_id, alert in expected.items():
            self.assertEqual(found[alert_id], alert, alert_id)

    def test_input_by_kcat_and_alerts_by_a_consumer_group(self):
        with open(CARDS, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with Broker() as broker:
            broker.leat("topic", "create", "transactions", "--partitions", str(PARTITIONS))
            broker.leat("job", "submit", str(JOB))
            # Pieces with another codec each, the last one in a transaction.
            piece = len(rows) // 5 + 1
            codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
            for i, codec in enumerate(codecs):
                transaction = ["-X", "transactional.id=cards"] if i == len(codecs) - 1 else []
                produce(broker, rows[i * piece:(i + 1) * piece], "-z", codec, *transaction)
            self.check(broker, rows)


if __name__ == "__main__":
    unittest.main()
