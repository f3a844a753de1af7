"""The supply chain's job on real processes, against the plain reference program: straight, and with the daemon killed. The orders are
generated: what was planted in them has to be found."""

import json
import unittest

import supply_reference
from applications import JOBS, assert_same_rows, assert_sound, datagen, produce, table, wait_until_read
from leat_process import Broker

# Far behind all others: with it the time of every deadline has come.
LAST_ORDER = '{"order_id":"last","customer_id":"nobody","order_estimated_delivery_date":"2025-03-01 00:00:00"}\n'
LAST_EVENT = '{"event_time":"2025-02-01 00:00:00","order_id":"last","event_type":"purchased"}\n'
ODD = ['{"event_time":"2024-01-01 00:00:01","order_id":"odd","event_type":"delivered"}\n',  # of an order that nobody knows
       '{"event_time":"2024-01-01 00:00:02","order_id":"odd","event_type":"lost"}\n']       # no stage
BROKEN = ['{"event_time":"soon","order_id":"odd","event_type":"shipped"}\n', "shipped\n"]
SHAPE = ["--count", "600", "--seed", "7", "--planted", "0.2", "--rate", "0.002"]


class Supply(unittest.TestCase):
    def run_job(self, orders, events, dead, broken, **options):
        """Every table's rows, found equal to the reference program's."""
        with Broker() as broker:
            for topic in ("orders", "order-events"):
                broker.leat("topic", "create", topic, "--partitions", "1")
            broker.leat("job", "submit", str(JOBS / "supply.sql"))
            produce(broker, "orders", orders, "--input-format", "json", "--key", "order_id")
            produce(broker, "order-events", events[:100] + broken + events[100:], **options)
            wait_until_read(broker, "supply", "orders", "order-events")
            assert_sound(self, broker, "supply", dead)
            expected = supply_reference.outputs([json.loads(line) for line in orders], [json.loads(line) for line in events])
            for topic, rows in expected.items():
                self.assertGreater(len(rows), 3, topic)
                assert_same_rows(self, topic, table(broker, topic), rows)
            return expected

    def check(self, broken=(), extra=(), disorder=(), **options):
        orders, truth = datagen("supply", "--stream", "orders", *SHAPE)
        events, same_truth = datagen("supply", *SHAPE, *disorder)
        self.assertEqual(same_truth, truth)
        found = self.run_job(orders + [LAST_ORDER], list(extra) + events + [LAST_EVENT], len(broken), list(broken), **options)
        planted = {kind: {one["order_id"] for one in truth if one["kind"] == kind} for kind in ("late", "undelivered", "unapproved")}
        self.assertEqual({row["order_id"] for row in found["late-orders"]}, planted["late"])
        self.assertEqual({row["order_id"] for row in found["undelivered-orders"]}, planted["late"] | planted["undelivered"])
        self.assertEqual({row["order_id"] for row in found["unapproved-orders"]}, planted["unapproved"])

    def test_what_was_planted_is_found(self):
        self.check()

    def test_out_of_order_twice_and_broken_with_the_daemon_killed_four_times(self):
        self.check(BROKEN, ODD, ("--out-of-order", "0.3", "--duplicates", "0.05", "--max-delay", "7000"), kills=4)


if __name__ == "__main__":
    unittest.main()
