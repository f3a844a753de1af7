"""The shipped alert rules: every series that they name is one that leatd has; and, where Prometheus' promtool is, that they are
rules and say what they should on made-up series."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CONFIG = SOURCE / "config/prometheus"


def promtool(*arguments):
    if shutil.which("promtool") is None:
        raise unittest.SkipTest("promtool is not installed (tools/setup --all installs it): nobody reads the rules as Prometheus does")
    return subprocess.run(["promtool", *map(str, arguments)], text=True, capture_output=True, timeout=120)


class Alerts(unittest.TestCase):
    def test_they_name_series_that_there_are(self):
        rows = re.findall(r"^\| `(leat_\w+)` \| (\w+) \| (.*?) \|", (SOURCE / "docs/metrics.md").read_text(encoding="utf-8"), re.MULTILINE)
        labels = {name: set(re.findall(r"`(\w+)`", names)) for name, _, names in rows}
        labels.update({f"{name}_bucket": labels[name] | {"le"} for name, kind, _ in rows if kind == "histogram"})
        text = "".join(line for line in (CONFIG / "alerts.yaml").read_text(encoding="utf-8").splitlines(True) if not line.lstrip().startswith("#"))
        named = re.findall(r"\b(leat_\w+)(?:\{(.*?)\})?", text)
        self.assertGreater(len(named), 15)
        for name, selectors in named:
            self.assertIn(name, labels)
            for label in re.findall(r"(\w+)=", selectors):
                self.assertIn(label, labels[name], name)

    def test_they_are_rules(self):
        done = promtool("check", "rules", CONFIG / "alerts.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_takes_the_configuration(self):
        done = promtool("check", "config", CONFIG / "prometheus.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_fire_when_they_should_and_say_what_is_wrong(self):
        done = promtool("test", "rules", pathlib.Path(__file__).with_name("alerts.test.yaml"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if shutil.which("promtool") is None:
        print("SKIPPED in part: the alert rules are not tried here: promtool is not installed (tools/setup --all installs the "
              "Debian package prometheus)", file=sys.stderr)
    unittest.main()
