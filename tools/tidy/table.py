"""The module table of cmake/layers.cmake, read as CMake reads it."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Module:
    name: str
    floor: int
    deps: list[str] = field(default_factory=list)
    third_party: list[str] = field(default_factory=list)


@dataclass
class Table:
    modules: dict[str, Module]
    headers: dict[str, list[str]]  # family -> the prefixes of its headers

    def module_of(self, path: str) -> Module | None:
        """The module whose folder holds `path` (relative to src/): the longest match, so stream/exec before stream."""
        folder = path.rpartition("/")[0]
        while folder:
            if folder in self.modules:
                return self.modules[folder]
            folder = folder.rpartition("/")[0]
        return None

    def families_of(self, header: str) -> list[str]:
        return [family for family, prefixes in self.headers.items() if any(header.startswith(p) for p in prefixes)]


class TableError(Exception):
    pass


def _sections(words: list[str], keywords: set[str]) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {keyword: [] for keyword in keywords}
    current = None
    for word in words:
        if word in keywords:
            current = word
        elif current is None:
            raise TableError(f"'{word}' stands before any of {', '.join(sorted(keywords))}")
        else:
            sections[current].append(word)
    return sections


def read_table(path: Path) -> Table:
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    table = Table({}, {})
    # A call's own `(` is followed by a name; the macro definitions are spelled macro(leat_layer ...), without one.
    for name, body in re.findall(r"\b(leat_layer|leat_third_party)\s*\(([^()]*)\)", text):
        words = body.split()
        if name == "leat_layer":
            sections = _sections(words[2:], {"DEPS", "THIRD_PARTY"})
            table.modules[words[0]] = Module(words[0], int(words[1]), sections["DEPS"], sections["THIRD_PARTY"])
        else:
            table.headers[words[0]] = _sections(words[1:], {"HEADERS", "TARGETS"})["HEADERS"]
    if not table.modules:
        raise TableError(f"{path} names no module")
    for module in table.modules.values():
        for family in module.third_party:
            if family not in table.headers:
                raise TableError(f"{path}: {module.name} uses the family '{family}', which no leat_third_party describes")
    return table
