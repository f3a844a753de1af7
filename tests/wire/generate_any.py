"""Makes what the tests need to treat all messages alike:

    generate_any.py TABLES OUT UNITS

writes OUT/wire_any/messages_<n>.cc, n < UNITS: for every struct a Visit that shows each of its fields of a version to a
visitor, and for every message an entry of AllMessages (any_message.h).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src" / "wire"))

from generate import Body, condition, is_optional, write_if_changed  # noqa: E402
from schema import Api, parse  # noqa: E402


def visit(body: Body) -> str:
    text = f"template <typename V>\nvoid Visit(V& visitor, {body.name}& m, [[maybe_unused]] int16_t version) {{\n"
    for f in body.struct.fields:
        null = "Null::kNever"
        if is_optional(f, body.message.owns):
            sometimes = condition(f.nullable, f.versions & body.struct.versions)
            null = f"{sometimes} ? Null::kAllowed : Null::kNever" if sometimes else "Null::kAllowed"
        kind = "Records" if f.type == "records" else "Field"
        text += body.guarded(f, f'visitor.{kind}("{f.name}", m.{f.name}, version, {null});')
    return text + "}\n"


def unit(apis: list[Api], number: int) -> str:
    text = "".join(f'#include "wire/messages/{api.file}.h"\n' for api in apis)
    text += '\n#include "tests/wire/make_any.h"\n\nnamespace leat::wire {\n\n'
    names = []
    for api in apis:
        for message in api.messages:
            text += "".join(visit(Body(api, message, struct)) for struct in (*message.structs, message.body))
            names.append(message.name)
    text += f"\nvoid AddMessages{number}(std::vector<AnyMessage>* to) {{\n"
    return text + "".join(f"  to->push_back(MakeAny<{name}>());\n" for name in names) + "}\n\n}  // namespace leat::wire\n"


def table(units: int) -> str:
    text = '#include "tests/wire/any_message.h"\n\nnamespace leat::wire {\n\n'
    text += "".join(f"void AddMessages{n}(std::vector<AnyMessage>* to);\n" for n in range(units))
    text += "\nconst std::vector<AnyMessage>& AllMessages() {\n  static const std::vector<AnyMessage> all = [] {\n"
    text += "    std::vector<AnyMessage> made;\n" + "".join(f"    AddMessages{n}(&made);\n" for n in range(units))
    return text + "    return made;\n  }();\n  return all;\n}\n\n}  // namespace leat::wire\n"


def main() -> None:
    tables, out, units = Path(sys.argv[1]), Path(sys.argv[2]) / "wire_any", int(sys.argv[3])
    apis = [parse(path) for path in sorted(tables.glob("*.msg"))]
    for n in range(units):
        write_if_changed(out / f"messages_{n}.cc", unit(apis[n::units], n))
    write_if_changed(out / "all.cc", table(units))


main()
