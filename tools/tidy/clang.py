#!/usr/bin/env python3
"""clang-tidy over the pure modules, with the checks of .clang-tidy: tools/tidy/clang.py --build-dir build/release [PATH...].

Needs a configured and built folder (compile_commands.json, generated headers). A file that passed is not looked at again
until it, a header of ours that it includes, its flags, or the checks change.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# The modules that decide rather than do. Those around grpc, asio and RocksDB would cost three times as much a file in
# headers, and what can go wrong there is seen by the sanitizers.
MODULES = ("base", "model", "env", "meta", "raft", "replication", "group", "txn", "stream/data", "stream/plan", "sql",
           "stream/state", "stream/exec", "log")

# Paths are followed within a function, not into the functions it calls: a third of the time for nearly all of the use.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "ipa=none"]


@dataclass
class Unit:
    file: Path
    flags: list[str]
    directory: Path

    def include_folders(self) -> list[Path]:
        return [self.directory / flag[2:] for flag in self.flags if flag.startswith("-I") and len(flag) > 2]


def clang_flags(command: list[str], file: str) -> list[str]:
    """gcc's command line as flags for clang: no compiler, no output, no precompiled header of gcc's."""
    flags: list[str] = []
    words = iter(command)
    for word in words:  # the compiler, behind whatever launches it
        if re.search(r"(^|/)(c\+\+|g\+\+|clang\+\+)(-\d+)?$", word):
            break
    for word in words:
        if word == "-o":
            next(words, None)
        elif word == "-include":
            header = next(words, "")
            if "cmake_pch" not in header:
                flags += [word, header]
        elif word not in ("-c", "-Winvalid-pch", "-Werror", file):
            flags.append(word)
    return [*flags, "-Wno-unknown-warning-option"]


def compiled_in(file: str) -> list[str]:
    """The sources behind an entry: itself, or those that cmake/unity.cmake has put together in it."""
    if Path(file).parent.name != "unity":
        return [file]
    included = re.findall(r'^#include "([^"]+)"', Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    return [os.path.normpath(Path(file).parent / name) for name in included]


def read_units(root: Path, build_dir: Path) -> list[Unit]:
    folders = tuple(f"{root / 'src' / module}/" for module in MODULES)
    units: dict[Path, Unit] = {}
    for entry in json.loads((build_dir / "compile_commands.json").read_text(encoding="utf-8")):
        command = entry.get("arguments") or shlex.split(entry["command"])
        for file in compiled_in(entry["file"]):
            if file.startswith(folders):
                # A file that is compiled for two programs is looked at once, as its library has it.
                units.setdefault(Path(file), Unit(Path(file), clang_flags(command, entry["file"]), Path(entry["directory"])))
    return sorted(units.values(), key=lambda unit: unit.file)


class Digests:
    """Digests of files together with every header of ours that they reach."""

    def __init__(self) -> None:
        self._includes: dict[Path, list[str]] = {}
        self._contents: dict[Path, bytes] = {}

    def _read(self, path: Path) -> list[str]:
        if path not in self._includes:
            content = path.read_bytes()
            self._contents[path] = hashlib.sha256(content).digest()
            self._includes[path] = re.findall(r'^\s*#\s*include\s*"([^"]+)"', content.decode(errors="replace"), re.MULTILINE)
        return self._includes[path]

    def of(self, unit: Unit, salt: bytes) -> str:
        seen: set[Path] = set()
        waiting = [unit.file]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            for name in self._read(path):
                candidates = (folder / name for folder in [path.parent, *unit.include_folders()])
                waiting += [found for found in candidates if found.is_file()][:1]
        digest = hashlib.sha256(salt + "\0".join(unit.flags).encode())
        for path in sorted(seen):
            digest.update(str(path).encode() + self._contents[path])
        return digest.hexdigest()


def run(program: str, root: Path, unit: Unit) -> tuple[bool, str]:
    """Whether the file passed, and what clang-tidy said if not."""
    extra = [f"--extra-arg={argument}" for argument in ANALYZER]
    result = subprocess.run([program, "--quiet", f"--config-file={root / '.clang-tidy'}", *extra, str(unit.file), "--", *unit.flags],
                            cwd=unit.directory, capture_output=True, text=True, check=False)
    return result.returncode == 0, result.stdout.strip() or result.stderr.strip()


def check(root: Path, build_dir: Path, program: str, jobs: int, paths: list[str]) -> int:
    started = time.monotonic()
    units = read_units(root, build_dir)
    if paths:
        units = [unit for unit in units if str(unit.file.relative_to(root)).startswith(tuple(paths))]
    if not units:
        print(f"tidy_clang: {build_dir}/compile_commands.json names no file to check", file=sys.stderr)
        return 2
    version = subprocess.run([program, "--version"], capture_output=True, check=True).stdout
    salt = version + (root / ".clang-tidy").read_bytes() + Path(__file__).read_bytes()
    cache = build_dir / "tidy-clang"
    cache.mkdir(exist_ok=True)
    digests = Digests()
    marks = [cache / digests.of(unit, salt) for unit in units]
    waiting = [(unit, mark) for unit, mark in zip(units, marks) if not mark.exists()]
    failed = 0
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for (unit, mark), (passed, output) in zip(waiting, pool.map(lambda pair: run(program, root, pair[0]), waiting)):
            if passed:
                mark.touch()
            else:
                failed += 1
                print(f"{unit.file.relative_to(root)}:\n{output}\n", flush=True)
    for stale in set(cache.iterdir()) - set(marks) if not paths else ():
        stale.unlink()
    print(f"tidy_clang: {len(units)} files, {len(units) - len(waiting)} of them unchanged, {failed} with findings, "
          f"{time.monotonic() - started:.1f} s")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, required=True, help="a configured and built folder, e.g. build/release")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the tree to check")
    parser.add_argument("--clang-tidy", default=shutil.which("clang-tidy"), help="the program to run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("paths", nargs="*", help="check only files whose path begins with one of these")
    arguments = parser.parse_args()
    if not arguments.clang_tidy:
        print("tidy_clang: clang-tidy is not installed: run tools/setup", file=sys.stderr)
        return 2
    build_dir = arguments.build_dir.resolve()
    if not (build_dir / "compile_commands.json").is_file():
        print(f"tidy_clang: no compile_commands.json in {build_dir}: configure it first (cmake --preset release)", file=sys.stderr)
        return 2
    return check(arguments.root.resolve(), build_dir, arguments.clang_tidy, arguments.jobs, arguments.paths)


if __name__ == "__main__":
    sys.exit(main())
