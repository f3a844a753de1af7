"""The shipped applications, exported to Apache Flink: a real Flink reads a leatd's topics and writes to it, and what it writes is what the
jobs here have written. Needs Java and Maven; exits with 77 where they are missing, and says so."""

import shutil
import subprocess
import sys
import unittest

from applications import DATA, JOBS, assert_same_rows, datagen, table, values
from leat_process import SOURCE, Broker

FROM_THE_START = "'scan.startup.mode' = 'earliest-offset'"


def with_floats(rows):
    """A DECIMAL of 327.00 is written as 327.00 here and as 327 by Flink."""
    return [{name: float(value) if type(value) is int else value for name, value in row.items()} for row in rows]


def lines_of(name):
    return (DATA / name).read_text(encoding="utf-8").splitlines(keepends=True)


class ExportFlink(unittest.TestCase):
    """Flink's jobs end with their input, so both sides read up to what is there when they begin: then windows end with it too."""

    def bounded(self, broker, job):
        sql = (JOBS / f"{job}.sql").read_text(encoding="utf-8")
        self.assertIn(FROM_THE_START, sql)
        file = SOURCE.joinpath(broker.directory, f"{job}.sql")
        file.write_text(sql.replace(FROM_THE_START, f"{FROM_THE_START}, 'scan.bounded.mode' = 'latest-offset'"), encoding="utf-8")
        return file

    def check(self, job, inputs, appended=(), upserted=()):
        """`inputs`: topic -> the arguments of `leat produce` and the lines."""
        with Broker() as broker:
            for topic, (arguments, lines) in inputs.items():
                broker.leat("topic", "create", topic, "--partitions", "1")
                broker.leat("produce", topic, *arguments, text_input="".join(lines))
            broker.leat("job", "submit", str(self.bounded(broker, job)))
            while (state := broker.json("job", "describe", job)["state"]) != "FINISHED":
                self.assertIn(state, ("STARTING", "RUNNING"), broker.log_text())
            script = SOURCE.joinpath(broker.directory, f"{job}-flink.sql")
            script.write_text(broker.leat("job", "export", job, "--engine", "flink", "--topic-suffix=-flink").stdout, encoding="utf-8")
            for topic in (*appended, *upserted):
                cleanup = "compact" if topic in upserted else "delete"
                broker.leat("topic", "create", f"{topic}-flink", "--partitions", "1", "--config", f"cleanup.policy={cleanup}")
            done = subprocess.run([SOURCE / "tools/flinkrun", "--set", "parallelism.default=1", script], text=True, capture_output=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, f"{done.stderr}\n{script.read_text(encoding='utf-8')}")
            for topic in (*appended, *upserted):
                read = table if topic in upserted else values
                found = read(broker, topic)
                self.assertGreater(len(found), 3, topic)
                assert_same_rows(self, topic, with_floats(read(broker, f"{topic}-flink")), with_floats(found))

    def test_fraud(self):
        self.check("fraud", {"transactions": (("--input-format", "csv", "--key", "cc_num"), lines_of("card_transactions.csv"))},
                   appended=("fraud-alerts",))

    def test_iot(self):
        self.check("iot", {"readings": (("--input-format", "csv", "--key", "sensor"), lines_of("sensors.csv"))},
                   appended=("sensor-windows", "sensor-alerts", "sensor-silences"))

    def test_dashboard(self):
        events, _ = datagen("shop", "--count", "1500", "--seed", "7")
        self.check("dashboard", {"shop-events": (("--input-format", "json"), events), "access-log": ((), lines_of("access.log"))},
                   appended=("web-minutes", "web-top-paths", "web-sessions", "shop-minutes"), upserted=("web-top",))

    def test_supply(self):
        shape = ("--count", "600", "--seed", "7", "--planted", "0.2", "--rate", "0.002")
        orders, _ = datagen("supply", "--stream", "orders", *shape)
        events, _ = datagen("supply", *shape)
        self.check("supply", {"orders": (("--input-format", "json", "--key", "order_id"), orders), "order-events": ((), events)},
                   upserted=("order-timeline", "stage-durations", "late-orders", "unapproved-orders", "undelivered-orders"))

    def test_recommend(self):
        events, _ = datagen("shop", "--count", "1500", "--seed", "7")
        self.check("recommend", {"shop-events": ((), events)}, appended=("popular-products",), upserted=("recommendations", "carts-left"))


if __name__ == "__main__":
    missing = [program for program in ("java", "javac", "mvn") if not shutil.which(program)]
    if missing:
        print(f"SKIPPED: no exported job was run on Flink: {', '.join(missing)} not found")
        sys.exit(77)
    unittest.main()
