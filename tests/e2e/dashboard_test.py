"""The job of the dashboard on real processes, against the plain reference program: straight, and with the daemon killed."""

import json
import unittest
from decimal import Decimal

import dashboard_reference
from applications import DATA, JOBS, assert_same_rows, assert_sound, datagen, produce, table, values, wait_until_read
from leat_process import Broker

LOG = (DATA / "access.log").read_text(encoding="utf-8").splitlines(keepends=True)
# A day later: with it every visit and every minute of the log has ended.
LAST = '10.0.0.1 - - [20/May/2015:00:00:00 +0000] "GET /last HTTP/1.1" 200 1 "-" "-"\n'
LATE = '10.0.0.2 - - [19/May/2015:23:00:00 +0000] "GET /late HTTP/1.1" 500 1 "-" "-"\n'
BROKEN = [LAST[:40] + "\n", "\n", LAST.replace("200", "ok"), LAST.replace("20/May", "40/May"), "{}\n"]


class Dashboard(unittest.TestCase):
    maxDiff = 2000

    def run_job(self, broker, log, events, **options):
        for topic in ("access-log", "shop-events"):
            broker.leat("topic", "create", topic, "--partitions", "1")
        broker.leat("job", "submit", str(JOBS / "dashboard.sql"))
        produce(broker, "shop-events", events, "--input-format", "json")
        produce(broker, "access-log", log, **options)
        wait_until_read(broker, "dashboard", "access-log", "shop-events")

    def check(self, broker, log, events):
        expected = dashboard_reference.outputs([line.rstrip("\n") for line in log], [json.loads(line) for line in events])
        assert_sound(self, broker, "dashboard", expected["broken"])
        for topic in ("web-minutes", "web-top-paths", "web-sessions", "web-errors"):
            assert_same_rows(self, topic, values(broker, topic), expected[topic])
        assert_same_rows(self, "web-top", table(broker, "web-top"), expected["web-top"])
        sales = [{**row, "revenue": str(Decimal(str(row["revenue"])).quantize(Decimal("0.01")))} for row in values(broker, "shop-minutes")]
        assert_same_rows(self, "shop-minutes", sales, expected["shop-minutes"])
        return expected

    def test_the_open_data(self):
        events, _ = datagen("shop", "--count", "500", "--seed", "7")
        with Broker() as broker:
            self.run_job(broker, LOG + [LAST], events)
            expected = self.check(broker, LOG + [LAST], events)
            self.assertEqual((expected["late"], expected["broken"]), ([], 0))
            self.assertEqual(len(expected["web-sessions"]), 1486)
            self.assertEqual([row["requests"] for row in expected["web-top"][:4]], [327, 258, 233, 231])
            self.assertEqual([row["event_time"] for row in expected["web-errors"]], ["2015-05-18 03:05:34", "2015-05-18 15:05:42"])

    def test_late_and_broken_lines_with_the_daemon_killed_four_times(self):
        log = LOG[:2000] + BROKEN + LOG[2000:] + [LAST, LATE]
        events, _ = datagen("shop", "--count", "500", "--seed", "8", "--out-of-order", "0.1", "--max-delay", "300", "--duplicates", "0.02")
        with Broker() as broker:
            self.run_job(broker, log, events, kills=4)
            expected = self.check(broker, log, events)
            self.assertGreater(len(expected["late"]), 3)
            self.assertEqual(len(values(broker, "dashboard-late")), len(expected["late"]))
            self.assertEqual(expected["broken"], len(BROKEN))

    def test_what_was_planted_in_a_generated_log(self):
        log, truth = datagen("web", "--count", "5000", "--seed", "7", "--out-of-order", "0.3", "--max-delay", "59")
        with Broker() as broker:
            self.run_job(broker, log, [])
            expected = self.check(broker, log, [])
            self.assertEqual(expected["late"], [])
            planted = [one for one in truth if one["kind"] == "error"]
            self.assertGreater(len(planted), 10)
            assert_same_rows(self, "web-errors", values(broker, "web-errors"),
                             [{"event_time": p["event_time"], "visitor": p["visitor"], "path": p["path"], "status": 500} for p in planted])
            self.assertEqual(expected["broken"], sum(1 for one in truth if one["kind"] == "cut"))


if __name__ == "__main__":
    unittest.main()
