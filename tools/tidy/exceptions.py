"""The list of allowed exceptions: small, each with its reason, and none that is no longer needed.

A line is `<path> <rule> <reason in a sentence>`; `#` begins a comment.
"""

from pathlib import Path

from source import Finding

FILE = "tools/tidy/exceptions.txt"
RULE = "exceptions"
MOST = 24
_REASON_WORDS = 4


def apply(root: Path, findings: list[Finding]) -> list[Finding]:
    """`findings` without the excepted ones, and with what is wrong with the list itself."""
    path = root / FILE
    allowed: dict[tuple[str, str], int] = {}
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) < 2 + _REASON_WORDS:
            problems.append(Finding(FILE, number, RULE, "a line is `<path> <rule> <reason>`, and the reason is a sentence"))
            continue
        allowed[(words[0], words[1])] = number
    used = {(finding.path, finding.rule) for finding in findings}
    for (name, rule), number in allowed.items():
        if (name, rule) not in used:
            problems.append(Finding(FILE, number, RULE, f"{name} no longer breaks `{rule}`: remove the line"))
    if len(allowed) > MOST:
        problems.append(Finding(FILE, 1, RULE, f"{len(allowed)} exceptions, at most {MOST}: mend the code or the rule"))
    return [finding for finding in findings if (finding.path, finding.rule) not in allowed] + problems
