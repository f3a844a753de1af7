"""The leat tool without a broker: usage errors, help, the reference page, completion, generated data."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["LEAT_BIN"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
NOBODY = "127.0.0.1:1"  # no broker listens there


def leat(*arguments, text_input="", **environment):
    return subprocess.run([str(BIN / "leat"), *arguments], input=text_input, text=True, capture_output=True, timeout=120,
                          env={**{k: v for k, v in os.environ.items() if k != "LEAT_ADDRESS"}, **environment})


class Usage(unittest.TestCase):
    def test_wrong_usage_exits_with_2_and_says_what_to_do(self):
        for line in ["", "nonsense", "topic", "topic create", "topic create a --partitions 0", "topic create a --config x", "topic alter a",
                     "topic list -o yaml", "produce t --input-format xml", "produce t --key k", "produce t --bogus",
                     "produce t --input-format json --key-separator :", "produce t --rate -1", "produce t --linger soon",
                     "produce t --header nothing", "consume", "consume t --from-beginning --offset 3",
                     "consume t --time noon", "consume t --format %x", "consume t --partition -1", "offsets t --time never",
                     "group reset g --topic t", "group reset g --topic t --to sideways", "lag --wait --timeout soon",
                     "job submit", "job submit x.sql --from sideways", "job test", "job export x", "job export x --engine spark", "dlq", "dlq show", "dlq retry j --max-attempts 0",
                     "datagen transactions", "datagen transactions --count 1 --start noon",
                     "datagen transactions --count 1 --fraud-share 2", "datagen iot",
                     "datagen shop --count 1 --planted 2", "datagen supply --count 1 --stream x", "datagen web --count 1 --max-delay 0",
                     "completion tcsh", "topic list --request-timeout x",
                     "topic list --address foo", "topic list --address foo:", "topic list --address :1",
                     "topic list --address foo:70000"]:
            with self.subTest(line):
                done = leat(*line.split())
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertTrue(done.stderr.startswith("leat: "), done.stderr)
                self.assertIn("--help` shows how", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_a_missing_file_exits_with_3(self):
        for line in ["produce t --file /nonexistent/x.csv", "job submit /nonexistent/x.sql", "job test /nonexistent/x.sql",
                     "job export /nonexistent/x.sql --engine flink"]:
            with self.subTest(line):
                done = leat(*line.split())
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn("/nonexistent/x.", done.stderr)

    def test_an_unreachable_broker_exits_with_5(self):
        done = leat("topic", "list", "--address", NOBODY, "--request-timeout", "500ms")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn(f"no broker answers at {NOBODY}", done.stderr)

    def test_the_address_comes_from_the_environment(self):
        done = leat("--request-timeout", "500ms", "cluster", LEAT_ADDRESS="127.0.0.1:2")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("127.0.0.1:2", done.stderr)

    def test_help_of_every_command_has_examples(self):
        commands = [line[3:].strip() for line in leat("reference").stdout.splitlines() if line.startswith("## ")]
        self.assertGreater(len(commands), 25)
        for command in commands:
            with self.subTest(command):
                done = leat(*command.split()[1:], "--help")
                self.assertEqual(done.returncode, 0)
                self.assertIn("Examples:", done.stdout)

    def test_the_reference_page_is_the_help(self):
        page = (SOURCE / "docs/cli.md").read_text(encoding="utf-8")
        self.assertEqual(leat("reference").stdout, page, "run `leat reference > docs/cli.md`")

    def test_completion_scripts_are_valid_and_complete(self):
        script = leat("completion", "bash").stdout
        probe = script + '\nCOMP_WORDS=(leat topic cr); COMP_CWORD=2; _leat; echo "${COMPREPLY[@]}"\n' \
                         'COMP_WORDS=(leat consume t --exit); COMP_CWORD=3; _leat; echo "${COMPREPLY[@]}"\n'
        done = subprocess.run(["bash", "-c", probe], text=True, capture_output=True, check=True)
        self.assertEqual(done.stdout.split(), ["create", "--exit-at-end"], done.stderr)
        self.assertIn("bashcompinit", leat("completion", "zsh").stdout)
        self.assertIn("__fish_seen_subcommand_from topic' -a create", leat("completion", "fish").stdout)

    def test_version(self):
        self.assertRegex(leat("--version").stdout, r"^leat \d+\.\d+\.\d+\n$")


class Datagen(unittest.TestCase):
    def test_the_same_seed_gives_the_same_bytes_and_the_truth_is_in_them(self):
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["datagen", "transactions", "--count", "5000", "--seed", "7", "--fraud-share", "0.02"]
            for name in ("a", "b"):
                done = leat(*arguments, "--out", f"{folder}/{name}", "--truth", f"{folder}/{name}.truth")
                self.assertEqual(done.returncode, 0, done.stderr)
            read = lambda name: pathlib.Path(folder, name).read_text(encoding="utf-8")
            self.assertEqual(read("a"), read("b"))
            self.assertEqual(read("a.truth"), read("b.truth"))
            self.assertEqual(leat(*arguments).stdout, read("a"))
            numbers = {json.loads(line)["trans_num"] for line in read("a").splitlines()}
            self.assertEqual(len(numbers), 5000)
            planted = [json.loads(line) for line in read("a.truth").splitlines()]
            self.assertEqual({p["reason"] for p in planted}, {"velocity", "large-amount", "blocked-category"})
            for fraud in planted:
                self.assertLessEqual(set(fraud["trans_nums"]), numbers)

    def test_output_that_cannot_be_written_is_a_failure(self):
        done = leat("datagen", "transactions", "--count", "100000", "--out", "/dev/full")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /dev/full", done.stderr)


if __name__ == "__main__":
    unittest.main()
