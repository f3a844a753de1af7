"""clang-format over every C++ file, in parallel."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from source import Finding

RULE = "format"
_BATCH = 16
_MESSAGE = re.compile(r"^(.*?):(\d+):\d+: error: code should be clang-formatted")


def _run(program: str, root: Path, paths: list[str]) -> list[Finding]:
    result = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *paths], cwd=root, capture_output=True,
                            text=True, check=False)
    if result.returncode == 0:
        return []
    first: dict[str, int] = {}  # the first line of each file is enough: one command mends all of it
    for line in result.stderr.splitlines():
        match = _MESSAGE.match(line)
        if match:
            first.setdefault(match.group(1), int(match.group(2)))
    if not first:
        return [Finding(paths[0], 1, RULE, f"{program} failed: {result.stderr.strip()[:300]}")]
    return [Finding(path, line, RULE, f"not formatted from here on: run clang-format -i {path}")
            for path, line in first.items()]


def _in_batches(call, paths: list[str]) -> list:
    batches = [paths[start:start + _BATCH] for start in range(0, len(paths), _BATCH)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return list(pool.map(call, batches))


def check(root: Path, paths: list[str]) -> list[Finding]:
    program = shutil.which("clang-format")
    if program is None:
        return [Finding(".clang-format", 1, RULE, "clang-format is not installed: run tools/setup")]
    return [finding for findings in _in_batches(lambda batch: _run(program, root, batch), paths) for finding in findings]


def fix(root: Path, paths: list[str]) -> None:
    _in_batches(lambda batch: subprocess.run(["clang-format", "-i", "--style=file", *batch], cwd=root, check=True), paths)
