"""The recommendations' job on real processes, against the plain reference program: straight, and with the daemon killed. The visits to the
shop are generated: the pairs that were planted in them have to be found."""

import json
import unittest

import recommend_reference
from applications import JOBS, assert_same_rows, assert_sound, datagen, produce, table, values, wait_until_read
from leat_process import Broker

# Two days later: with it every half hour and every cart's time is over.
LAST = ('{"event_time":"2024-01-03 12:00:00 UTC","event_type":"view","product_id":"0","price":"1","user_id":"0","user_session":"last"}\n')
LATE = LAST.replace("01-03 12", "01-02 00").replace('"0"', '"1"')
BROKEN = [LAST.replace("2024", "next year"), "view\n"]


class Recommend(unittest.TestCase):
    def run_job(self, events, broken=(), **options):
        with Broker() as broker:
            broker.leat("topic", "create", "shop-events", "--partitions", "1")
            broker.leat("job", "submit", str(JOBS / "recommend.sql"))
            produce(broker, "shop-events", events[:50] + list(broken) + events[50:], **options)
            wait_until_read(broker, "recommend", "shop-events")
            assert_sound(self, broker, "recommend", len(broken))
            expected, late = recommend_reference.outputs([json.loads(line) for line in events])
            for topic, rows in expected.items():
                self.assertGreater(len(rows), 3, topic)
                assert_same_rows(self, topic, (values if topic == "popular-products" else table)(broker, topic), rows)
            if late:
                self.assertEqual(len(values(broker, "recommend-late")), late)
            return expected, late

    def check_planted(self, found, truth):
        planted = {(one["item"], one["other"], one["sessions"]) for one in truth if one["kind"] == "pair"}
        best = {(row["product_id"], row["other_id"], row["sessions"]) for row in found["recommendations"] if row["place"] == 1}
        self.assertGreater(len(planted), 10)
        self.assertLessEqual(planted, best)
        carts = {(one["user_session"], one["product_id"], one["cart_at"]) for one in truth if one["kind"] == "cart"}
        self.assertEqual({(row["user_session"], row["product_id"], row["cart_at"]) for row in found["carts-left"]}, carts)

    def test_what_was_planted_is_found(self):
        events, truth = datagen("shop", "--count", "1500", "--seed", "7")
        found, late = self.run_job(events + [LAST])
        self.check_planted(found, truth)
        self.assertEqual(late, 0)

    def test_out_of_order_twice_late_and_broken_with_the_daemon_killed_four_times(self):
        events, truth = datagen("shop", "--count", "1500", "--seed", "8", "--out-of-order", "0.3", "--duplicates", "0.02", "--max-delay", "290")
        found, late = self.run_job(events + [LAST, LATE], BROKEN, kills=4)
        self.check_planted(found, truth)
        self.assertEqual(late, 12)  # each of its half hours is over


if __name__ == "__main__":
    unittest.main()
