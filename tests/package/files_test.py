"""What tools/package makes from the programs' help: man pages, completions, the package's configuration, the changelog."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["LEAT_BIN"])
sys.path.insert(0, str(SOURCE / "tools/package"))

import make_files
import man_pages

HELP = """Send records from stdin or a file to a topic
Usage: leat produce [OPTIONS] topic

Positionals:
  topic TEXT REQUIRED         the topic

Options:
  -h,--help                   Print this help message and exit
  --input-format TEXT:{text,json,csv}
                              text: a line is a value; json:
                              a line is a JSON document
  --rate FLOAT:FLOAT in [1e-06 - 1e+09]=10
                              records per second
  --quiet

Examples:
  printf 'a:1\\nb' | leat produce kv --null-value -

A remark that begins
  {"like":"this"}
.and goes on.
"""


class ManPages(unittest.TestCase):
    def page(self, text=HELP):
        return man_pages.page("leat produce", 1, text, version="1.2.3", date="2026-01-02", see_also=[("leat", 1), ("leat topic", 1)])

    def test_help_is_taken_apart(self):
        parsed = man_pages.parse(HELP)
        self.assertEqual(parsed.description, "Send records from stdin or a file to a topic")
        self.assertEqual(parsed.usage, "leat produce [OPTIONS] topic")
        self.assertEqual(parsed.entries["ARGUMENTS"], [("topic TEXT REQUIRED", "the topic")])
        self.assertEqual(parsed.entries["OPTIONS"], [
            ("-h,--help", "Print this help message and exit"),
            ("--input-format TEXT:{text,json,csv}", "text: a line is a value; json: a line is a JSON document"),
            ("--rate FLOAT:FLOAT in [1e-06 - 1e+09]=10", "records per second"), ("--quiet", "")])
        self.assertEqual(parsed.rest[0][0], "Examples:")

    def test_what_is_not_help_is_refused(self):
        for text in ("", "Does this and that.\n", HELP.replace("  --rate FLOAT:FLOAT in [1e-06 -", "  --rate FLOAT:FLOAT in [1e-  -")):
            with self.subTest(text), self.assertRaises(ValueError):
                self.page(text)

    def test_a_page_has_its_parts_in_order(self):
        headings = re.findall(r"^\.SH (.*)$", self.page(), re.MULTILINE)
        self.assertEqual(headings, ["NAME", "SYNOPSIS", "DESCRIPTION", "ARGUMENTS", "OPTIONS", "EXAMPLES", "NOTES", "SEE ALSO"])
        self.assertIn("leat\\-produce \\- send records from stdin", self.page())
        self.assertIn('.TH LEAT\\-PRODUCE 1 "2026-01-02" "Leat 1.2.3" "Leat"', self.page())

    def test_text_never_becomes_a_request_or_an_escape(self):
        self.assertIn("\\&.and goes on.", self.page())
        self.assertIn("\\(aqa:1\\enb\\(aq", self.page())


class Files(unittest.TestCase):
    """The files as the build makes them, from the programs that it built."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="leat-package-")
        cls.out = pathlib.Path(cls.folder)
        make_files.main(BIN, SOURCE / "packaging", cls.out)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def pages(self):
        return {path.name.removesuffix(".gz"): gzip.decompress(path.read_bytes()).decode() for path in self.out.glob("man/man?/*.gz")}

    def test_every_command_has_a_page_with_all_its_options(self):
        helps = man_pages.commands(make_files.output_of(BIN / "leat", "reference"))
        pages = self.pages()
        self.assertEqual(set(pages), {f"{name.replace(' ', '-')}.1" for name in helps} | {"leatd.8"})
        for name, text in helps.items():
            page = pages[f"{name.replace(' ', '-')}.1"].replace("\\-", "-")
            for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.MULTILINE):
                self.assertIn(option, page, name)

    def test_pages_are_clean_roff(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed: nobody reads the pages as man does")
        for name, text in self.pages().items():
            read = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, text=True, capture_output=True, check=False)
            self.assertEqual((read.returncode, read.stderr), (0, ""), name)

    def test_the_same_sources_make_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as again:
            make_files.main(BIN, SOURCE / "packaging", pathlib.Path(again))
            for path in self.out.rglob("*"):
                if path.is_file():
                    self.assertEqual(path.read_bytes(), (again / path.relative_to(self.out)).read_bytes(), path.name)

    def test_the_configuration_is_the_default_but_for_the_data_directory(self):
        packaged = (self.out / "leatd.yaml").read_text(encoding="utf-8").splitlines()
        default = make_files.output_of(BIN / "leatd", "--print-default-config").splitlines()
        differing = [line for line in packaged if line not in default and not line.startswith("#")]
        self.assertEqual(differing, ['data_dir: "/var/lib/leat"'])
        self.assertEqual({line for line in default if line not in packaged and not line.startswith("#")}, {'data_dir: "./leat-data"'})
        checked = make_files.output_of(BIN / "leatd", "--config", self.out / "leatd.yaml", "--check-config")
        self.assertEqual(checked, "the configuration is good\n")

    def test_completions_are_for_their_shells(self):
        self.assertTrue((self.out / "completion/zsh/_leat").read_text(encoding="utf-8").startswith("#compdef leat\n"))
        subprocess.run(["bash", "-n", self.out / "completion/bash/leat"], check=True)
        self.assertIn("complete -c leat", (self.out / "completion/fish/leat.fish").read_text(encoding="utf-8"))

    def test_a_changelog_without_version_or_date_is_refused(self):
        for text in ("", "leat 0.1.0\n", "leat (0.1.0) unstable; urgency=medium\n\n  * x\n"):
            with self.subTest(text), self.assertRaises(ValueError):
                make_files.changelog_entry(text)


if __name__ == "__main__":
    unittest.main()
