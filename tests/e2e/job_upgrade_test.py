"""A job gets other SQL on a real leatd, which is killed by SIGKILL in the middle of it: afterwards one of the two scripts
runs, and every row is there once."""

import collections
import pathlib
import random
import subprocess
import time
import unittest

from leat_process import BIN, Broker

SEED = 20250611
ROWS = 3000
RATE = 1000  # records a second
KILLS = 6
USERS = 7
LIMIT = 120  # seconds for anything that is waited for

TABLES = """
CREATE TABLE clicks (id INT, usr STRING, page STRING)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE counts (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE copies (id INT, usr STRING) WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = 'json');
CREATE TABLE pages (page STRING, n BIGINT, PRIMARY KEY (page) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'pages', 'key.format' = 'raw', 'value.format' = 'json');
"""
OLD = TABLES + """
EXECUTE STATEMENT SET BEGIN
INSERT INTO counts SELECT usr, COUNT(*) FROM clicks GROUP BY usr;
INSERT INTO copies SELECT id, usr FROM clicks;
END;
"""
# Another order, an expression more, and an INSERT more, whose state begins empty each time.
NEW = TABLES + """
EXECUTE STATEMENT SET BEGIN
INSERT INTO pages SELECT page, COUNT(*) FROM clicks GROUP BY page;
INSERT INTO copies SELECT id, LOWER(usr) FROM clicks;
INSERT INTO counts SELECT usr, n + 0 FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr);
END;
"""
OTHER_KEYS = TABLES + "INSERT INTO counts SELECT page, COUNT(*) FROM clicks GROUP BY page;"


def row(number):
    return f'{{"id":{number},"usr":"u{number % USERS}","page":"p{number % 5}"}}\n'


class JobUpgrade(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.broker.start()
        self.addCleanup(self.broker.__exit__)
        self.files = {}
        for name, sql in {"old": OLD, "new": NEW, "other": OTHER_KEYS, "bad": TABLES + "INSERT INTO counts SELECT nothing FROM clicks;"}.items():
            path = pathlib.Path(self.broker.directory, f"{name}.sql")
            path.write_text(sql, encoding="utf-8")
            self.files[name] = str(path)
        self.broker.leat("topic", "create", "clicks", "--partitions", "2")
        self.broker.leat("job", "submit", self.files["old"], "--name", "clicks")

    def describe(self):
        return self.broker.json("job", "describe", "clicks")

    def wait_until_read(self):
        self.broker.leat("lag", "--group", "clicks", "--wait", "--timeout", f"{LIMIT}s", timeout=2 * LIMIT)

    def values(self, topic):
        found = self.broker.leat("consume", topic, "--from-beginning", "--exit-at-end", "--format", "%k|%v\\n").stdout
        return [line.split("|", 1) for line in found.splitlines()]

    def test_a_refusal_says_why_and_the_job_runs_on(self):
        self.broker.leat("produce", "clicks", text_input="".join(map(row, range(20))))
        self.wait_until_read()
        before = self.describe()
        self.assertEqual((before["state"], before["revision"]), ("RUNNING", 1))
        for mode in ([], ["--dry-run"]):
            refused = self.broker.leat("job", "upgrade", "clicks", self.files["other"], *mode, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("keys was [clicks.usr STRING], in the new SQL it is [clicks.page STRING]", refused.stderr)
            self.assertRegex(refused.stderr, r"--drop-state GroupAggregate#\d+")
            self.assertIn("leat job submit --replace", refused.stderr)
        self.assertIn("column", self.broker.leat("job", "upgrade", "clicks", self.files["bad"], check=False).stderr)
        self.assertIn("did you mean 'clicks'", self.broker.leat("job", "upgrade", "click", self.files["new"], check=False).stderr)
        self.assertEqual(self.describe()["revision"], 1)
        fits = self.broker.json("job", "upgrade", "clicks", self.files["new"], "--dry-run")
        self.assertTrue(any(change.startswith("keeps its state: GroupAggregate#") for change in fits["changes"]), fits)
        self.assertEqual(self.describe()["sql"], OLD)
        self.assertEqual(self.describe()["state"], "RUNNING")

        dropped = self.broker.json("job", "upgrade", "clicks", self.files["other"], "--drop-state", "all")
        self.assertEqual(dropped["job"]["revision"], 2)
        self.broker.leat("produce", "clicks", text_input=row(0))
        self.wait_until_read()
        self.assertEqual(self.values("counts")[-1], ["p0", '{"usr":"p0","n":1}'])

    def test_a_stopped_job_stays_stopped_and_starts_with_the_new_sql(self):
        self.broker.leat("produce", "clicks", text_input="".join(map(row, range(USERS))))
        self.wait_until_read()
        self.broker.leat("job", "stop", "clicks")
        upgraded = self.broker.json("job", "upgrade", "clicks", self.files["new"])
        self.assertEqual((upgraded["job"]["state"], upgraded["job"]["revision"]), ("STOPPED", 2))
        self.broker.leat("job", "start", "clicks")
        self.broker.leat("produce", "clicks", text_input="".join(map(row, range(USERS))))
        self.wait_until_read()
        self.assertEqual(dict(self.values("counts")), {f"u{user}": f'{{"usr":"u{user}","n":2}}' for user in range(USERS)})

    def test_killed_in_the_middle(self):
        path = pathlib.Path(self.broker.directory, "clicks.txt")
        path.write_text("".join(map(row, range(ROWS))), encoding="utf-8")
        producer = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, "produce", "clicks", "--file", str(path),
                                     "--rate", str(RATE)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (producer.kill(), producer.wait()))
        rng = random.Random(SEED)
        revision, wanted = 1, "old"
        for kill in range(KILLS):
            wanted = "new" if wanted == "old" else "old"
            allowed = ["--drop-state", "all"]  # of pages, which only one of them has
            upgrade = subprocess.Popen([str(BIN / "leat"), "--address", self.broker.grpc, "job", "upgrade", "clicks", self.files[wanted],
                                        *allowed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(lambda process=upgrade: (process.kill(), process.wait()))
            # From before the switch to behind the new SQL's first checkpoint.
            deadline = time.monotonic() + rng.uniform(0, 0.25)
            while time.monotonic() < deadline and upgrade.poll() is None:
                self.describe()
            self.broker.kill()
            upgrade.kill()
            upgrade.wait()
            self.broker.start()
            job = self.describe()
            self.assertIn(job["revision"], (revision, revision + 1), kill)
            if job["revision"] == revision:
                wanted = "new" if wanted == "old" else "old"
            revision = job["revision"]
            self.assertEqual(job["sql"], {"old": OLD, "new": NEW}[wanted])
        self.assertEqual(producer.wait(LIMIT), 0)
        self.wait_until_read()
        self.assertEqual(self.describe()["state"], "RUNNING")
        self.assertEqual(sorted(value for _, value in self.values("copies")),
                         sorted(f'{{"id":{number},"usr":"u{number % USERS}"}}' for number in range(ROWS)))
        expected = collections.Counter(f"u{number % USERS}" for number in range(ROWS))
        self.assertEqual(dict(self.values("counts")), {usr: f'{{"usr":"{usr}","n":{n}}}' for usr, n in expected.items()})


if __name__ == "__main__":
    unittest.main()
