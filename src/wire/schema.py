"""Reads the message tables of src/wire/messages. docs/internals/wire.md describes the format."""

import re
from dataclasses import dataclass, field
from pathlib import Path

NUMBERS = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint16": 2, "uint32": 4, "float64": 8, "uuid": 16}
TEXTS = ("string",)
BYTES = ("bytes", "records")
NEVER = 32767  # the first flexible version of an API that has none


class TableError(Exception):
    pass


@dataclass(frozen=True)
class Range:
    low: int
    high: int

    def __and__(self, other: "Range") -> "Range":
        return Range(max(self.low, other.low), min(self.high, other.high))

    @property
    def empty(self) -> bool:
        return self.low > self.high


@dataclass
class Field:
    name: str
    type: str  # without [] and ?
    array: bool
    versions: Range
    nullable: Range | None  # the versions in which it may be null
    tag: int | None
    default: str | None
    struct: "Struct | None" = None  # of type


@dataclass
class Struct:
    name: str
    fields: list[Field] = field(default_factory=list)
    versions: Range = Range(NEVER, -1)  # in which any field uses it

    @property
    def has_records(self) -> bool:
        return any(f.type == "records" or (f.struct and f.struct.has_records) for f in self.fields)


@dataclass
class Message:
    name: str  # FetchRequest
    owns: bool  # text is std::string instead of a view into the frame
    body: Struct
    structs: list[Struct]  # nested, each after those it uses


@dataclass
class Api:
    file: str  # fetch
    key: int
    name: str
    versions: Range
    first_flexible: int
    serve: Range
    about: list[str]
    messages: list[Message]


_FIELD = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*): (?P<array>\[\])?(?P<type>\w+)(?P<null>\?)?"
    r"(?:\s+(?P<versions>\d+(?:\+|-\d+)?))?(?:\s+nullable (?P<nullable>\d+(?:\+|-\d+)?))?"
    r"(?:\s+tag (?P<tag>\d+))?(?:\s+= (?P<default>\S+))?")


def parse_range(text: str, within: Range) -> Range:
    """3, 3+ or 3-7, cut to the versions around it."""
    match = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    if not match:
        raise TableError(f"expected versions as 3, 3+ or 3-7, got {text!r}")
    low = int(match[1])
    high = low if not match[2] else NEVER if match[2] == "+" else int(match[3])
    return Range(low, high) & within


class _Lines:
    """The lines of a table with their indentation; comments and blank lines are gone."""

    def __init__(self, path: Path):
        self.path = path
        self.lines = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = line.split("#")[0].rstrip()
            if text:
                indent = len(text) - len(text.lstrip())
                if indent % 2:
                    raise TableError(f"{path.name}:{number}: indentation is two blanks a level, got {indent}")
                self.lines.append((number, indent // 2, text.strip()))
        self.next = 0

    def peek(self):
        return self.lines[self.next] if self.next < len(self.lines) else (0, -1, "")

    def take(self):
        self.next += 1
        return self.lines[self.next - 1]


def _parse_fields(lines: _Lines, depth: int, around: Range, structs: dict[str, Struct]) -> list[Field]:
    fields = []
    while lines.peek()[1] == depth:
        number, _, text = lines.take()
        where = f"{lines.path.name}:{number}"
        match = _FIELD.fullmatch(text)
        if not match:
            raise TableError(f"{where}: expected 'name: type [versions] [nullable versions] [tag n] [= default]', got {text!r}")
        versions = parse_range(match["versions"], around) if match["versions"] else around
        if versions.empty:
            raise TableError(f"{where}: {match['name']} is in none of the versions {around.low}-{around.high} around it")
        nullable = versions if match["null"] else None
        if match["nullable"]:
            nullable = parse_range(match["nullable"], versions)
        parsed = Field(match["name"], match["type"], bool(match["array"]), versions, nullable,
                       int(match["tag"]) if match["tag"] else None, match["default"])
        if parsed.type[0].isupper():
            _parse_struct(lines, where, depth + 1, parsed, around, structs)
        elif parsed.type not in (*NUMBERS, *TEXTS, *BYTES):
            raise TableError(f"{where}: {parsed.type} is not a type")
        fields.append(parsed)
    if lines.peek()[1] > depth:
        raise TableError(f"{lines.path.name}:{lines.peek()[0]}: is indented, but the line before is no struct")
    return fields


def _parse_struct(lines: _Lines, where: str, depth: int, parsed: Field, around: Range,
                  structs: dict[str, Struct]) -> None:
    """The struct of a field: its fields follow where it is named first; later uses name it only."""
    defined = lines.peek()[1] == depth
    if defined and parsed.type in structs:
        raise TableError(f"{where}: {parsed.type} has its fields already")
    if not defined and parsed.type not in structs:
        raise TableError(f"{where}: {parsed.type} has no fields")
    if defined:
        struct = Struct(parsed.type, _parse_fields(lines, depth, around, structs))
        structs[parsed.type] = struct
    parsed.struct = structs[parsed.type]


def _note_use(struct: Struct, versions: Range) -> None:
    struct.versions = Range(min(struct.versions.low, versions.low), max(struct.versions.high, versions.high))
    for inner in struct.fields:
        if inner.struct:
            _note_use(inner.struct, inner.versions & versions)


def _header(lines: _Lines, word: str) -> str:
    number, depth, text = lines.take()
    if depth != 0 or not text.startswith(word + " "):
        raise TableError(f"{lines.path.name}:{number}: expected '{word} ...', got {text!r}")
    return text[len(word) + 1:]


def parse(path: Path) -> Api:
    lines = _Lines(path)
    about = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        about.append(line[1:].strip())
    key, name = _header(lines, "api").split()
    any_version = Range(0, NEVER)
    versions = parse_range(_header(lines, "versions"), any_version)
    flexible = _header(lines, "flexible")
    serve = parse_range(_header(lines, "serve"), any_version)
    if (serve & versions) != serve:
        raise TableError(f"{path.name}: serves versions that it has no tables for")
    messages = []
    for kind, owns in (("request", False), ("response", True)):
        number, depth, text = lines.take()
        if depth != 0 or text != kind:
            raise TableError(f"{path.name}:{number}: expected '{kind}', got {text!r}")
        structs: dict[str, Struct] = {}
        message_name = name + kind.capitalize()
        body = Struct(message_name, _parse_fields(lines, 1, versions, structs))
        _note_use(body, versions)
        messages.append(Message(message_name, owns, body, list(structs.values())))
    if lines.peek()[1] >= 0:
        raise TableError(f"{path.name}:{lines.peek()[0]}: nothing follows the response")
    first_flexible = NEVER if flexible == "never" else parse_range(flexible, any_version).low
    return Api(path.stem, int(key), name, versions, first_flexible, serve, about, messages)
