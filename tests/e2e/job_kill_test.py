"""Exactly once on real processes: leatd is killed by SIGKILL again and again while four jobs run at once, at moments that
the progress of the jobs gives. What a read_committed reader finds in the end is what it finds after a run that nobody
disturbed: each key's records byte for byte, none twice, none missing; of upserted topics each key's last record."""

import collections
import os
import pathlib
import random
import shutil
import subprocess
import time
import unittest

import job_kill_jobs as jobs
from leat_process import BIN, Broker

SEED = int(os.environ.get("LEAT_SEED", "20250607"))
ROWS = 8000  # of each input
RATE = 1500  # records a second of each producer: slow enough to be in the middle of the work at every kill
KILLS = 7
LIMIT = 240  # seconds for anything that is waited for; a machine may be loaded


class Run:
    """One broker with the four jobs on it."""

    def __init__(self, test):
        self.test = test
        self.broker = Broker()
        self.broker.start()
        test.addCleanup(self.broker.__exit__)
        for topic, (partitions, _) in jobs.INPUTS.items():
            self.broker.leat("topic", "create", topic, "--partitions", str(partitions))
        for topic in jobs.APPENDED + jobs.UPSERTED:
            self.broker.leat("topic", "create", topic, "--partitions", str(jobs.PARTITIONS_OF_OUTPUTS))
        for name, sql in jobs.JOBS.items():
            path = pathlib.Path(self.broker.directory, f"{name}.sql")
            path.write_text(sql, encoding="utf-8")
            self.broker.leat("job", "submit", str(path))
        self.producers = {}

    def produce(self, lines, rate):
        for topic, records in lines.items():
            path = pathlib.Path(self.broker.directory, f"{topic}.txt")
            path.write_text("".join(line + "\n" for line in records), encoding="utf-8")
            log = open(path.with_suffix(".err"), "wb")
            self.producers[topic] = subprocess.Popen(
                [str(BIN / "leat"), "--address", self.broker.grpc, "produce", topic, "--file", str(path), "--key-separator", "|",
                 "--null-value", "-", "--rate", str(rate)], stdout=subprocess.DEVNULL, stderr=log)
            log.close()
            self.test.addCleanup(self.end_producer, topic)

    def end_producer(self, topic):
        self.producers[topic].kill()
        self.producers[topic].wait()

    def wait_for_producers(self):
        for topic, producer in self.producers.items():
            code = producer.wait(LIMIT)
            said = pathlib.Path(self.broker.directory, f"{topic}.err").read_text(errors="replace")
            self.test.assertEqual(code, 0, f"producing to {topic}: {said}\n{self.broker.log_text()[-3000:]}")

    def committed(self):
        """Of all jobs: how many records of the inputs are before their last checkpoints."""
        total = 0
        for name in jobs.JOBS:
            job = self.broker.json("job", "describe", name)
            self.test.assertNotEqual(job["state"], "FAILED", job["error"])
            self.test.assertEqual(job["rows_dead"], 0, name)
            total += sum(max(0, row["offset"]) for row in job["inputs"])
        return total

    def wait_until_committed(self, goal):
        deadline = time.monotonic() + LIMIT
        while (there := self.committed()) < goal:
            self.test.assertLess(time.monotonic(), deadline, f"expected {goal} records to be worked on within {LIMIT} s, "
                                 f"got {there}\n{self.broker.leat('job', 'list').stdout}{self.broker.log_text()[-3000:]}")

    def wait_until_read(self):
        for topic, (_, job) in jobs.INPUTS.items():
            self.broker.leat("lag", "--group", job, "--topic", topic, "--wait", "--timeout", f"{LIMIT}s", timeout=2 * LIMIT)

    def read(self, topic):
        """The values of each key, in order, as a read_committed reader finds them."""
        found = collections.defaultdict(list)
        done = self.broker.leat("consume", topic, "--from-beginning", "--exit-at-end", "--format", "%p|%k|%v\\n")
        for line in done.stdout.splitlines():
            partition, key, value = line.split("|", 2)
            found[partition, key].append(value)
        return dict(found)

    def outputs(self):
        appended = {topic: self.read(topic) for topic in jobs.APPENDED}
        # Which of two partitions is read first may differ, and with it the order in which a join finds its pairs; late
        # rows have no key.
        for topic in ("matched", "late_clicks"):
            appended[topic] = {key: sorted(values) for key, values in appended[topic].items()}
        upserted = {}
        for topic in jobs.UPSERTED:
            last = {key: values[-1] for key, values in self.read(topic).items()}
            upserted[topic] = {key: value for key, value in last.items() if value}
        return {**appended, **upserted}


class JobKill(unittest.TestCase):
    maxDiff = 3000

    @classmethod
    def setUpClass(cls):
        print(f"LEAT_SEED={SEED}")
        cls.lines = jobs.lines_of(SEED, ROWS)
        cls.expected = None

    def undisturbed(self):
        """Found out once, for all tests."""
        if JobKill.expected is None:
            run = Run(self)
            run.produce(self.lines, 0)
            run.wait_for_producers()
            run.wait_until_read()
            run.committed()
            expected = run.outputs()
            for topic, keys in expected.items():
                self.assertGreater(sum(map(len, keys.values())), 50, f"{topic} says little")
            JobKill.expected = expected
        return JobKill.expected

    def check(self, wipe_state):
        expected = self.undisturbed()
        rng = random.Random(SEED + wipe_state)
        total = sum(len(records) for records in self.lines.values())
        run = Run(self)
        run.produce(self.lines, RATE)
        # The smaller inputs end early: most kills come while all four jobs are fed.
        goals = sorted(rng.randrange(total // 50, total * 9 // 10) for _ in range(KILLS))
        for goal in goals:
            run.wait_until_committed(goal)
            run.broker.kill()
            if wipe_state:
                shutil.rmtree(os.path.join(run.broker.data_dir, "state"))
            run.broker.start()
        run.wait_for_producers()
        run.wait_until_read()
        self.assertEqual(run.committed(), total)
        found = run.outputs()
        for topic, keys in expected.items():
            self.assertEqual(sorted(found[topic]), sorted(keys), topic)
            for key, values in keys.items():
                self.assertEqual(found[topic][key], values, (topic, key, goals))

    def test_the_output_is_that_of_an_undisturbed_run(self):
        self.check(wipe_state=False)

    def test_and_also_when_each_kill_takes_the_local_state_with_it(self):
        self.check(wipe_state=True)


if __name__ == "__main__":
    unittest.main()
