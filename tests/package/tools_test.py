"""What tools/package/check reads (the Dockerfile, the unit), and that it says so where it cannot run. Needs no root."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tools/package"))

import image
import lifecycle


class Dockerfiles(unittest.TestCase):
    def ours(self):
        return image.stages((SOURCE / "docker/Dockerfile").read_text(encoding="utf-8"))

    def test_comments_go_and_continued_lines_are_joined(self):
        text = "# a\nFROM x AS y\nRUN a \\\n && b\n# between\nCMD [\"c\"]\n"
        self.assertEqual(image.instructions(text), [("FROM", "x AS y"), ("RUN", "a   && b"), ("CMD", '["c"]')])

    def test_a_stage_begins_with_from(self):
        self.assertEqual(image.stages("FROM a AS b\nRUN x\nFROM c\nRUN y\n"),
                         [[("FROM", "a AS b"), ("RUN", "x")], [("FROM", "c"), ("RUN", "y")]])

    def test_every_instruction_of_our_image_is_one_that_the_check_carries_out(self):
        for word, rest in sum(self.ours(), []):
            self.assertTrue(hasattr(image.Image, f"do_{word.lower()}"), f"{word} {rest}")

    def test_our_image_is_not_root_and_says_how_healthy_it_is(self):
        words = dict(self.ours()[-1])
        self.assertRegex(words["USER"], r"^[1-9]\d*:[1-9]\d*$")
        self.assertIn('["leat", "health"]', words["HEALTHCHECK"])
        self.assertEqual(words["EXPOSE"].split(), ["9092", "9095", "9096"])


class Units(unittest.TestCase):
    def test_a_key_that_is_repeated_adds_and_an_empty_one_forgets(self):
        self.assertEqual(lifecycle.unit_settings("[Service]\n# A=0\nA=1\nA=2\nB=1\nB=\n"), {"A": ["1", "2"], "B": []})

    def test_ours_is_not_root_and_may_write_its_data_alone(self):
        unit = lifecycle.unit_settings((SOURCE / "packaging/leatd.service").read_text(encoding="utf-8"))
        self.assertEqual((unit["User"], unit["ProtectSystem"], unit["ReadWritePaths"]), (["leat"], ["strict"], ["/var/lib/leat"]))
        self.assertEqual((unit["CapabilityBoundingSet"], unit["NoNewPrivileges"]), ([], ["yes"]))


class Check(unittest.TestCase):
    def test_it_says_what_is_missing_and_counts_as_skipped(self):
        with tempfile.TemporaryDirectory() as nothing:
            done = subprocess.run([sys.executable, "-B", SOURCE / "tools/package/check"], env={"PATH": nothing, "HOME": nothing},
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 77)
            self.assertIn("SKIPPED: the packages are not checked here: debootstrap is not installed", done.stderr)

    def test_packages_that_are_not_there_are_named(self):
        with tempfile.TemporaryDirectory() as nothing, self.assertRaises(SystemExit) as ended:
            lifecycle.find_packages(pathlib.Path(nothing))
        self.assertIn("build the target deb", str(ended.exception))

    def test_two_versions_of_a_package_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for version in ("1", "2"):
                pathlib.Path(folder, f"leat_{version}_amd64.deb").touch()
            with self.assertRaises(SystemExit) as ended:
                lifecycle.find_packages(pathlib.Path(folder))
            self.assertIn("more than one package leat", str(ended.exception))


if __name__ == "__main__":
    unittest.main()
