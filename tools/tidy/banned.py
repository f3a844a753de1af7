"""Constructs that the code base does without, and the few places that may have them."""

import re
from dataclasses import dataclass

from source import Finding, Source

EVERYWHERE = ("src/", "include/", "tests/", "bench/", "tools/")


@dataclass(frozen=True)
class Ban:
    rule: str
    pattern: re.Pattern
    advice: str
    where: tuple[str, ...]
    allowed: tuple[str, ...] = ()  # folders (and files) below `where` that may
    headers_only: bool = False
    innocent: re.Pattern | None = None  # looks like the construct and is not: taken out of the line first

    def applies_to(self, source: Source) -> bool:
        if self.headers_only and not source.is_header:
            return False
        return source.path.startswith(self.where) and not source.path.startswith(self.allowed)

    def search(self, line: str) -> re.Match | None:
        return self.pattern.search(self.innocent.sub("", line) if self.innocent else line)


def _with_tests(*folders: str) -> tuple[str, ...]:
    """These modules of src/, and their tests."""
    return tuple(f"{top}/{folder}/" for folder in folders for top in ("src", "tests"))


BANS = [
    # A `new` that an owner takes in the same expression is not naked: std::make_unique cannot reach a private constructor.
    Ban("new", re.compile(r"(?<![\w.])new\b(?=\s*[\w(:])"),
        "no naked new: std::make_unique, or hand it to its owner at once: std::unique_ptr<T>(new T(...))", EVERYWHERE,
        innocent=re.compile(r"\boperator new\b|\bWrapUnique\(\s*new\b|_ptr<.*?>\s*\w*[({]\s*new\b")),
    Ban("delete", re.compile(r"(?<![\w.])delete\b\s*(\[\s*\]\s*)?(?=[\w(*:])"),
        "no delete: let a std::unique_ptr own it", EVERYWHERE, innocent=re.compile(r"(\boperator|=)\s*delete\b")),
    Ban("threads", re.compile(r"\bstd::(recursive_|shared_|timed_|shared_timed_|recursive_timed_)?mutex\b"
                              r"|\bstd::condition_variable(_any)?\b|\bstd::atomic\w*\b|\bstd::j?thread\b(?!::id)|\bstd::async\b"
                              r"|\babsl::(Mutex|CondVar|Notification)\b|\bpthread_\w+\s*\("),
        "a shard owns its data, so there is nothing to lock and no thread to start here: reach another shard through "
        "env::Shard::Post, blocking work through RunBlocking",
        ("src/", "include/"), ("src/runtime/", "src/client/", "src/stream/run/", "src/replication/throttle.h")),
    Ban("clock", re.compile(r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock)\b|\babsl::Now\s*\(|\bgettimeofday\b"
                            r"|\bclock_gettime\b|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0|&)|\b(absl::)?GetCurrentTimeNanos\b"),
        "time comes in: take `Instant now`, or ask the env::Clock or env::Shard",
        ("src/", "include/", "tests/"), _with_tests("runtime", "env")),
    Ban("random", re.compile(r"(?<![\w.>])s?rand\s*\(|\brandom_device\b|\b[dlm]rand48\b|\bgetrandom\b|\babsl::\w*BitGen\b"),
        "randomness comes in: take a Random&, so that one seed decides a run",
        ("src/", "include/", "tests/"), _with_tests("runtime", "env")),
    Ban("co-spawn", re.compile(r"\bco_spawn\b"),
        "a coroutine started bare loses its exceptions and outlives its owner: start it through src/runtime/spawn.h",
        EVERYWHERE, ("src/runtime/spawn.h", "src/runtime/spawn.cc")),
    Ban("sleep", re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|SleepFor)\b|(?<![\w.>])sleep\s*\("),
        "nothing here waits for time to pass: wait for the event, or set a timer (env::Shard::RunAt)",
        ("src/", "include/", "tests/")),
    Ban("stdout", re.compile(r"\bstd::cout\b"),
        "stdout belongs to a program's answers: log with base/logging.h, or return the text", ("src/", "include/")),
    Ban("using-namespace", re.compile(r"\busing\s+namespace\b"),
        "a header must not change what names mean to those who include it: name what you need", EVERYWHERE,
        headers_only=True),
]

_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def check(source: Source) -> list[Finding]:
    findings = []
    if source.path.endswith((".h", ".cc")):
        bans = [ban for ban in BANS if ban.applies_to(source)]
        previous = ""
        for number, line in enumerate(source.code, 1):
            # clang-format may break a line between an owner's parenthesis and the `new` that it takes.
            if previous.endswith("(") and line.lstrip().startswith("new "):
                line = previous + line.lstrip()
            previous = line.rstrip()
            for ban in bans:
                match = ban.search(line)
                if match:
                    findings.append(Finding(source.path, number, ban.rule, f"`{match.group().strip()}`: {ban.advice}"))
    for number, line in enumerate(source.lines, 1):
        match = _UNFINISHED.search(line)
        if match:
            findings.append(Finding(source.path, number, "unfinished",
                                    f"`{match.group()}`: finish it, or write down in the docs what is not there"))
    return findings
