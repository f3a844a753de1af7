"""The brokers of docker/compose.yaml: leatd takes their settings, and they agree on who is who."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["LEAT_BIN"])
COMPOSE = pathlib.Path(__file__).resolve().parents[2] / "docker/compose.yaml"


def brokers():
    """The settings of each service that runs leatd, by its name."""
    services = {}
    for line in COMPOSE.read_text(encoding="utf-8").splitlines():
        if service := re.fullmatch(r"  (\S+):", line):
            name = service[1]
        elif setting := re.fullmatch(r"      - (\w[\w.]*)=(\S+)", line):
            services.setdefault(name, {})[setting[1]] = setting[2]
    return services


class Compose(unittest.TestCase):
    def test_leatd_takes_the_settings(self):
        with tempfile.NamedTemporaryFile("w", prefix="leat-secret-") as secret:
            secret.write("a secret of more than sixteen bytes")
            secret.flush()
            for name, settings in brokers().items():
                settings = {**settings, "cluster.secret_file": secret.name}
                words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
                done = subprocess.run([BIN / "leatd", *words, "--check-config"], text=True, capture_output=True)
                self.assertEqual(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")

    def test_every_broker_is_where_the_others_look_for_it(self):
        found = brokers()
        self.assertEqual(len(found), 3)
        for name, settings in found.items():
            voters = dict(voter.split("@") for voter in settings["cluster.voters"].split(","))
            self.assertEqual(len(voters), 3)
            self.assertEqual(voters[settings["node_id"]], settings["advertised.internal"], name)
            self.assertTrue(settings["advertised.internal"].startswith(f"{name}:"), name)
            self.assertTrue(settings["advertised.kafka"].startswith(f"{name}:"), name)


if __name__ == "__main__":
    unittest.main()
