"""Files and functions that have grown past the size at which they can be read."""

import re
from dataclasses import dataclass

from source import Finding, Source

HEADER_LINES = 400
SOURCE_LINES = 600
TEST_LINES = 1200  # and generated files, and grammars
FUNCTION_LINES = 70
TEST_FUNCTION_LINES = 120

_CONTAINER = re.compile(r"^(inline\s+)?(namespace|class|struct|union|enum|extern)\b")
_CONTROL = re.compile(r"^(if|for|while|switch|do|else|try|catch)\b")


@dataclass
class Function:
    name: str
    line: int  # of its opening brace
    lines: int  # from the opening to the closing brace


def _kind(head: str) -> str:
    """What a `{` after `head` (the text since the last statement) opens, seen from outside any function."""
    head = re.sub(r"^([A-Z][A-Z0-9_]+\([^()]*\)\s*)+(?=\w)", "", head)  # a macro that takes no semicolon, before it
    head = re.sub(r"^(template\s*<.*?>\s*(requires\b[^{]*?\s)?)+(?=(class|struct|union)\b)", "", head)
    head = re.sub(r"^(public|private|protected)\s*:\s*", "", head)
    if _CONTAINER.match(head):
        return "container"
    if ")" in head and not head.endswith("=") and not _CONTROL.match(head):
        return "function"
    return "initializer"


def _without_preprocessor(code: list[str]) -> list[str]:
    kept, continued = [], False
    for line in code:
        directive = continued or line.lstrip().startswith("#")
        continued = directive and line.rstrip().endswith("\\")
        kept.append("" if directive else line)
    return kept


def functions(code: list[str]) -> list[Function]:
    """The outermost functions of clang-formatted code; a lambda counts to the function around it."""
    found: list[Function] = []
    stack: list[tuple[str, str, int]] = []  # kind, name, line of the brace
    head = ""
    inside = 0  # open braces from the outermost function on
    for number, line in enumerate(_without_preprocessor(code), 1):
        for index, char in enumerate(line):
            if char == "{":
                if inside or (stack and stack[-1][0] == "initializer"):
                    kind = "block"
                elif index > 0 and re.match(r"[\w>\])]", line[index - 1]):
                    kind = "initializer"  # member_{value}: a body's brace has a blank before it
                else:
                    kind = _kind(head.strip())
                if kind == "block" and not inside:
                    kind = "initializer"
                inside += bool(inside) or kind == "function"
                stack.append((kind, head.strip(), number))
                head = head if kind == "initializer" else ""
            elif char == "}" and stack:
                kind, name, opened = stack.pop()
                inside -= bool(inside)
                if kind == "function":
                    found.append(Function(_name(name), opened, number - opened + 1))
                if kind != "initializer":
                    head = ""
            elif char == ";" and not inside:
                head = ""
            elif not inside:
                head += char
        if not inside:
            head += " "
    return found


def _name(head: str) -> str:
    match = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", head)
    return match.group(1) if match else "a function"


def check(source: Source) -> list[Finding]:
    findings = []
    is_test = source.path.startswith("tests/")
    limit = HEADER_LINES if source.is_header else SOURCE_LINES
    if is_test or source.is_generated or not source.path.endswith((".h", ".cc")):
        limit = TEST_LINES
    if source.line_count > limit:
        findings.append(Finding(source.path, source.line_count, "file-length",
                                f"{source.line_count} lines, at most {limit}: split it, one idea a file"))
    if source.is_generated or not source.path.endswith((".h", ".cc")):
        return findings
    most = TEST_FUNCTION_LINES if is_test else FUNCTION_LINES
    for function in functions(source.code):
        if function.lines > most:
            findings.append(Finding(source.path, function.line, "function-length",
                                    f"{function.name} has {function.lines} lines, at most {most}: name its parts"))
    return findings
