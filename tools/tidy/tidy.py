#!/usr/bin/env python3
"""Checks what the project promises about its own code. Run it from anywhere: tools/tidy/tidy.py [--fix-format] [PATH...].

Rules: include, file-length, function-length, new, delete, threads, clock, random, co-spawn, sleep, stdout,
using-namespace, unfinished, format, exceptions. Each finding says file, line, rule, and what to do about it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import banned  # noqa: E402
import exceptions  # noqa: E402
import formatting  # noqa: E402
import includes  # noqa: E402
import lengths  # noqa: E402
from source import Finding, Source  # noqa: E402
from table import Table, TableError, read_table  # noqa: E402

FOLDERS = ("src", "include", "tests", "bench", "tools", "proto")
CPP = (".h", ".cc")
OTHER = (".proto", ".yy", ".ll")  # lengths and unfinished work only


def list_files(root: Path) -> list[str]:
    """Tracked files, and new ones that git does not ignore; every file where there is no git."""
    git = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "--", *FOLDERS],
                         capture_output=True, text=True, check=False)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:
        names = [path.relative_to(root).as_posix() for folder in FOLDERS for path in (root / folder).rglob("*")]
    return sorted(name for name in set(names) if name.endswith(CPP + OTHER) and (root / name).is_file())


def check_file(table: Table, source: Source) -> list[Finding]:
    findings = lengths.check(source) + banned.check(source)
    if source.path.endswith(CPP):
        findings += includes.check(table, source)
    return findings


def check_tree(root: Path, with_format: bool = True) -> tuple[list[Finding], int]:
    """All findings, and how many files were read."""
    table = read_table(root / "cmake" / "layers.cmake")
    names = list_files(root)
    findings = [finding for name in names for finding in check_file(table, Source.read(root, name))]
    if with_format:
        findings += formatting.check(root, [name for name in names if name.endswith(CPP)])
    return sorted(exceptions.apply(root, findings)), len(names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the tree to check")
    parser.add_argument("--fix-format", action="store_true", help="format what is not, before checking")
    parser.add_argument("--no-format", action="store_true", help="leave clang-format out (it takes most of the time)")
    parser.add_argument("paths", nargs="*", help="show only findings whose path begins with one of these")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        if arguments.fix_format:
            root = arguments.root.resolve()
            formatting.fix(root, [name for name in list_files(root) if name.endswith(CPP)])
        findings, files = check_tree(arguments.root.resolve(), not arguments.no_format)
    except (TableError, OSError, subprocess.CalledProcessError) as error:
        print(f"tidy: {error}", file=sys.stderr)
        return 2
    if files == 0:
        print(f"tidy: no files below {arguments.root}: is this the root of the project?", file=sys.stderr)
        return 2
    if arguments.paths:
        findings = [finding for finding in findings if finding.path.startswith(tuple(arguments.paths))]
    for finding in findings:
        print(finding)
    print(f"tidy: {files} files, {len(findings)} findings, {time.monotonic() - started:.1f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
