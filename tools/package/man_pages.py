"""Man pages from the help that the programs print. Pure: text in, roff out.

The help is CLI11's: a description, "Usage: ...", sections with indented entries (a name, two blanks or a new line, what it
means), and after them our own examples and remarks."""

import dataclasses
import re

SECTIONS = {"Positionals:": "ARGUMENTS", "Options:": "OPTIONS", "Subcommands:": "COMMANDS"}
TEXT_COLUMN = 30  # where CLI11 starts what an entry means


@dataclasses.dataclass
class Help:
    """One command's help, taken apart."""

    description: str
    usage: str
    entries: dict  # "OPTIONS" -> [(name, meaning)]
    rest: list  # (heading or None, [lines]) of what follows


def _entries(lines):
    found = []
    for line in lines:
        if not line.startswith("   "):
            # A name too long for its column has the whole line, and what it means stands on the next one.
            beside = line[TEXT_COLUMN - 1:TEXT_COLUMN] == " "
            name, meaning = (line[:TEXT_COLUMN], line[TEXT_COLUMN:]) if beside else (line, "")
            if any(name.count(left) != name.count(right) for left, right in ("()", "[]", "{}")):
                raise ValueError(f"expected a name and what it means from column {TEXT_COLUMN} on, got '{line}'")
            found.append((name.strip(), [meaning]))
        else:
            found[-1][1].append(line)
    return [(name, " ".join(part.strip() for part in meaning).strip()) for name, meaning in found]


def parse(text):
    """Help of what a command printed. Raises ValueError where it is not CLI11's layout."""
    lines = text.rstrip("\n").split("\n")
    usage = next((i for i, line in enumerate(lines) if line.startswith("Usage: ")), None)
    if usage is None:
        raise ValueError(f"expected a line 'Usage: ...' in this help:\n{text}")
    parsed = Help(" ".join(line.strip() for line in lines[:usage] if line.strip()), lines[usage][len("Usage: "):], {}, [])
    blocks = "\n".join(lines[usage + 1:]).strip("\n")
    for block in re.split(r"\n\n+", blocks):
        head, *body = block.split("\n")
        if head in SECTIONS:
            parsed.entries[SECTIONS[head]] = _entries(body)
        elif block:
            parsed.rest.append((head, body) if head == "Examples:" else (None, [head, *body]))
    return parsed


def escape(text):
    """Text as roff shows it: the dash that people type, no escapes, no requests."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga")
    return "\\&" + text if text[:1] in (".", "'") else text.replace("'", "\\(aq")


def _first_word_small(text):
    word = text.split(" ", 1)[0]
    return text[0].lower() + text[1:] if word[1:].islower() and word != "Leat" else text


def _remarks(lines):
    out, example = [".PP"], False
    for line in lines:
        if line.startswith("  ") != example:
            example = not example
            out.append(".EX" if example else ".EE")
        out.append(escape(line))
    return out + ([".EE"] if example else [])


def page(name, section, text, *, version, date, extra=(), see_also=()):
    """One man page. name: "leat topic create"; extra: (heading, roff lines); see_also: ("leat", 1)."""
    parsed = parse(text)
    title = name.replace(" ", "-")
    summary = re.sub(rf"^{re.escape(name)}, ", "", parsed.description).rstrip(".")
    out = [f'.TH {escape(title.upper())} {section} "{date}" "Leat {version}" "Leat"', ".SH NAME",
           f"{escape(title)} \\- {escape(_first_word_small(summary))}", ".SH SYNOPSIS"]
    out.append(f".B {escape(name)}" + (f"\n{escape(parsed.usage[len(name):].strip())}" if parsed.usage != name else ""))
    out += [".SH DESCRIPTION", escape(parsed.description.rstrip(".")) + "."]
    for heading, entries in parsed.entries.items():
        out.append(f".SH {heading}")
        for entry, meaning in entries:
            out += [".TP", f".B {escape(entry)}", escape(meaning) or "\\&"]
    examples = [lines for heading, lines in parsed.rest if heading]
    remarks = [lines for heading, lines in parsed.rest if not heading]
    if examples:
        out += [".SH EXAMPLES", ".EX", *(escape(line.strip()) for lines in examples for line in lines), ".EE"]
    if remarks:
        out += [".SH NOTES", *(line for lines in remarks for line in _remarks(lines))]
    for heading, lines in extra:
        out += [f".SH {heading}", *lines]
    if see_also:
        refer = [f".BR {escape(other.replace(' ', '-'))} ({number})" for other, number in see_also]
        out += [".SH SEE ALSO", *(line + " ," for line in refer[:-1]), refer[-1]]
    return "\n".join(out) + "\n"


def commands(reference):
    """{"leat topic create": its help} of what `leat reference` prints, in its order."""
    found = dict(re.findall(r"^## (leat[^\n]*)\n\n```text\n(.*?)\n```$", reference, re.MULTILINE | re.DOTALL))
    if "leat" not in found:
        raise ValueError("expected a section '## leat' in what `leat reference` prints")
    return found


def neighbours(name, names):
    """What to read next: the command that holds this one, and those that it holds."""
    parent = name.rpartition(" ")[0]
    return [other for other in names if other == parent or other.rpartition(" ")[0] == name]
