"""The job about patterns of fraud on real processes, against the plain reference program: straight, and with the daemon killed."""

import collections
import csv
import unittest

import fraud_patterns_reference
import fraud_reference
from applications import DATA, JOBS, assert_same_rows, assert_sound, produce, values, wait_until_read
from leat_process import Broker

PARTITIONS = 4
CARDS = (DATA / "card_transactions.csv").read_text(encoding="utf-8").splitlines(keepends=True)
BLOCKED = DATA / "blocked_merchants.csv"


class FraudPatterns(unittest.TestCase):
    def check(self, **options):
        with open(BLOCKED, newline="", encoding="utf-8") as file:
            changes = list(csv.DictReader(file))
        transactions = list(csv.DictReader(CARDS))
        with Broker() as broker:
            broker.leat("topic", "create", "transactions", "--partitions", str(PARTITIONS))
            broker.leat("topic", "create", "blocked-merchants", "--partitions", "1", "--config", "cleanup.policy=compact")
            broker.leat("produce", "blocked-merchants", "--file", str(BLOCKED), "--key", "merchant")
            broker.leat("job", "submit", str(JOBS / "fraud-patterns.sql"))
            wait_until_read(broker, "fraud-patterns", "blocked-merchants")
            produce(broker, "transactions", CARDS, "--input-format", "csv", "--key", "cc_num", **options)
            wait_until_read(broker, "fraud-patterns", "transactions")
            assert_sound(self, broker, "fraud-patterns")
            watermark = fraud_reference.final_watermark(transactions, PARTITIONS)
            expected = list(fraud_patterns_reference.alerts(transactions, changes, watermark))
            assert_same_rows(self, "fraud-patterns", values(broker, "fraud-patterns"), expected)
        return collections.Counter(alert["reason"] for alert in expected)

    def test_the_open_data(self):
        found = self.check()
        self.assertEqual((found["small-then-large"], found["too-fast"]), (5, 73))

    def test_the_open_data_with_the_daemon_killed_four_times(self):
        self.check(kills=4)


if __name__ == "__main__":
    unittest.main()
