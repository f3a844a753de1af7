#!/usr/bin/env python3
"""Makes the files of the packages that are not in the tree: man pages, completions, the configuration, the changelogs.

Usage: make_files.py BIN_DIR PACKAGING_DIR OUT_DIR. Asks the programs in BIN_DIR for what they know; the date of the pages
is that of the changelog's first entry, so that the same sources make the same files."""

import email.utils
import gzip
import pathlib
import re
import shutil
import subprocess
import sys

import man_pages

CONFIG_HEAD = """\
# The broker's configuration: every key with its default, and data_dir as the package has it. A key that is left out has
# its default. Check a change with: leatd --config /etc/leat/leatd.yaml --check-config
# and then: systemctl restart leatd. An upgrade keeps what you changed.
"""
FILES = ("FILES", [".TP", ".I /etc/leat/leatd.yaml", "The configuration of the packaged broker.",
                   ".TP", ".I /var/lib/leat", "Its data.",
                   ".TP", ".I /usr/share/leat", "An example of a job, with data, and the configuration of a broker without a package."])
STATUS = ("EXIT STATUS", ["0 after a stop that was asked for, 1 after a failure, 2 if the configuration or the command line is wrong."])


def output_of(program, *arguments):
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=True).stdout


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=9, mtime=0)
    path.write_bytes(data)


def changelog_entry(text):
    """(version, date as YYYY-MM-DD) of the first entry."""
    head = re.match(r"^leat \(([^)]+)\) ", text)
    stamp = re.search(r"^ -- .*>  (.*)$", text, re.MULTILINE)
    if not head or not stamp:
        raise ValueError("expected packaging/changelog to begin with 'leat (VERSION) ...' and to have a line ' -- NAME <MAIL>  DATE'")
    return head[1], email.utils.parsedate_to_datetime(stamp[1]).strftime("%Y-%m-%d")


def default_config(printed):
    """The conffile of the package: the program's own text with another head and data directory."""
    body = printed.split("\n\n", 1)[1]
    changed, count = re.subn(r'^data_dir: .*$', 'data_dir: "/var/lib/leat"', body, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"expected one key data_dir in the default configuration, got {count}")
    return CONFIG_HEAD + "\n" + changed


def main(bin_dir, packaging, out):
    changelog = (packaging / "changelog").read_text(encoding="utf-8")
    version, date = changelog_entry(changelog)
    told = {"version": version, "date": date}
    helps = man_pages.commands(output_of(bin_dir / "leat", "reference"))
    shutil.rmtree(out / "man", ignore_errors=True)  # a command that is gone takes its page along
    for name, text in helps.items():
        related = [(other, 1) for other in man_pages.neighbours(name, list(helps))] + ([("leatd", 8)] if name == "leat" else [])
        page = man_pages.page(name, 1, text, see_also=related, **told)
        write(out / "man/man1" / f"{name.replace(' ', '-')}.1.gz", page)
    page = man_pages.page("leatd", 8, output_of(bin_dir / "leatd", "--help"), extra=[STATUS, FILES], see_also=[("leat", 1)], **told)
    write(out / "man/man8/leatd.8.gz", page)
    for shell, name in (("bash", "leat"), ("zsh", "_leat"), ("fish", "leat.fish")):
        write(out / "completion" / shell / name, output_of(bin_dir / "leat", "completion", shell))
    write(out / "leatd.yaml", default_config(output_of(bin_dir / "leatd", "--print-default-config")))
    write(out / "changelog.gz", changelog)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n\n")[1])
    main(*(pathlib.Path(argument) for argument in sys.argv[1:]))
