"""The job about sensors on real processes, against the plain reference program: straight, and with the daemon killed."""

import csv
import json
import pathlib
import unittest

import iot_reference
from applications import DATA, JOBS, assert_same_rows, assert_sound, datagen, produce, values, wait_until_read
from event_time import HOUR, to_millis, to_text
from leat_process import Broker

SENSORS = (DATA / "sensors.csv").read_text(encoding="utf-8").splitlines(keepends=True)
LATE = ["elb_request_count_8c0756,2014-04-10 00:04:00,1\n", "machine_temperature_system_failure,2014-04-23 23:40:00,70\n"]
BROKEN = ["elb_request_count_8c0756,2014-04-24 00:00:00,much\n", "elb_request_count_8c0756,yesterday,1\n"]


class Iot(unittest.TestCase):
    def run_job(self, broker, lines, dead, **options):
        broker.leat("topic", "create", "readings", "--partitions", "1")
        broker.leat("job", "submit", str(JOBS / "iot.sql"))
        produce(broker, "readings", lines, "--input-format", "csv", "--key", "sensor", **options)
        wait_until_read(broker, "iot", "readings")
        assert_sound(self, broker, "iot", dead)

    def check(self, broker, lines):
        expected = iot_reference.outputs(list(csv.DictReader(lines)))
        for topic in ("sensor-windows", "sensor-alerts", "sensor-silences"):
            assert_same_rows(self, topic, values(broker, topic), expected[topic])
        return expected

    def test_the_open_data(self):
        with Broker() as broker:
            self.run_job(broker, SENSORS, 0)
            expected = self.check(broker, SENSORS)
            self.assertEqual(expected["readings-late"], [])
            found = [row["sensor"] for row in expected["sensor-alerts"]]
            self.assertEqual([found.count(s) for s in ("ec2_cpu_utilization_24ae8d", "ec2_cpu_utilization_c6585a",
                                                       "elb_request_count_8c0756")], [14, 13, 17])

    def test_late_and_broken_readings_with_the_daemon_killed_four_times(self):
        with Broker() as broker:
            self.run_job(broker, SENSORS + BROKEN + LATE, 2, kills=4)
            expected = self.check(broker, SENSORS + LATE)
            found = [{"sensor": row["sensor"], "event_time": row["event_time"]} for row in values(broker, "readings-late")]
            assert_same_rows(self, "readings-late", found, expected["readings-late"])
            self.assertEqual(len(found), 3)  # of windows, of silences, and of the order of readings

    def test_what_was_planted_in_generated_readings(self):
        lines, truth = datagen("iot", "--count", "12000", "--sensors", "20", "--seed", "7", "--out-of-order", "0.2", "--max-delay", "3000",
                               "--duplicates", "0.01")
        # The end of the last two hours is not known yet.
        end = max(json.loads(line)["timestamp"] for line in lines)
        known = to_text(to_millis(end) - 2 * HOUR)
        spikes = {(p["sensor"], p["event_time"]) for p in truth if p["kind"] == "spike" and p["event_time"] < known}
        silences = {(p["sensor"], p["since"]) for p in truth if p["kind"] == "silence" and p["since"] < known}
        self.assertGreater(min(len(spikes), len(silences)), 2)
        with Broker() as broker:
            broker.leat("topic", "create", "readings", "--partitions", "1")
            broker.leat("job", "submit", str(JOBS / "iot.sql"))
            produce(broker, "readings", lines, "--input-format", "json", "--key", "sensor")
            wait_until_read(broker, "iot", "readings")
            assert_sound(self, broker, "iot")
            alerts = {(row["sensor"], row["event_time"]) for row in values(broker, "sensor-alerts") if row["event_time"] < known}
            self.assertEqual(alerts, spikes)
            self.assertEqual({(row["sensor"], row["since"]) for row in values(broker, "sensor-silences") if row["since"] < known}, silences)

    def test_partitions_without_sensors_hold_nothing_back(self):
        """One sensor in a topic of four partitions: three stay empty, and are read by several workers where there are several cores."""
        lines = SENSORS[:1] + [line for line in SENSORS if line.startswith("ec2_cpu_utilization_24ae8d")]
        expected = iot_reference.outputs(list(csv.DictReader(lines)))["sensor-windows"]
        with Broker() as broker:
            job = pathlib.Path(broker.directory, "iot.sql")
            sql = (JOBS / "iot.sql").read_text(encoding="utf-8")
            self.assertIn("'10 s'", sql)
            job.write_text("SET 'parallelism.default' = '4';\n" + sql.replace("'10 s'", "'500 ms'"), encoding="utf-8")
            broker.leat("topic", "create", "readings", "--partitions", "4")
            broker.leat("job", "submit", str(job))
            produce(broker, "readings", lines, "--input-format", "csv", "--key", "sensor")
            wait_until_read(broker, "iot", "readings")
            # Comes when the time-out is over.
            broker.leat("consume", "sensor-windows", "--from-beginning", "--count", str(len(expected)), timeout=120)
            assert_same_rows(self, "sensor-windows", values(broker, "sensor-windows"), expected)


if __name__ == "__main__":
    unittest.main()
