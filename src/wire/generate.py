"""Makes the codecs from the message tables:

    generate.py TABLES OUT UNITS

reads every TABLES/*.msg and writes OUT/wire/messages/<api>.h for each, and OUT/wire/codecs_<n>.cc, n < UNITS, and
OUT/wire/apis.cc for all together. A file that has not changed is left alone, so that nothing is compiled again.
"""

import sys
from pathlib import Path

from schema import BYTES, NUMBERS, TEXTS, Api, Field, Message, Range, Struct, TableError, parse

CPP_NUMBERS = {"bool": "bool", "float64": "double", "uuid": "model::TopicId"}
MADE_BY = "// Made by src/wire/generate.py from src/wire/messages{}. Change the table, not this file.\n"


def cpp_element(f: Field, owns: bool) -> str:
    if f.struct:
        return f.struct.name
    if f.type in NUMBERS:
        return CPP_NUMBERS.get(f.type, f.type + "_t")
    return "std::string" if owns else "std::string_view"


def cpp_type(f: Field, owns: bool) -> str:
    element = f"std::vector<{cpp_element(f, owns)}>" if f.array else cpp_element(f, owns)
    return f"std::optional<{element}>" if is_optional(f, owns) else element


def is_optional(f: Field, owns: bool) -> bool:
    return f.nullable is not None and not (owns and f.type == "records")


def default_of(f: Field, owns: bool) -> str:
    """The initializer of a member."""
    if is_optional(f, owns):
        return "" if f.default == "null" else "{std::in_place}"
    if f.array or f.struct or f.type in (*TEXTS, *BYTES, "uuid"):
        if f.default is not None:
            raise TableError(f"{f.name}: a default other than empty is not known for {f.type}")
        return ""
    zero = "false" if f.type == "bool" else "0"
    value = f.default or zero
    if value == "-2147483648":  # its digits alone are no int
        value = "INT32_MIN"
    return f" = {value}"


def condition(inner: Range, around: Range) -> str:
    """The test for a version of `around` being in `inner`; empty if it always is."""
    tests = []
    if inner.low > around.low:
        tests.append(f"version >= {inner.low}")
    if inner.high < around.high:
        tests.append(f"version <= {inner.high}")
    return " && ".join(tests)


def least_bytes(struct: Struct, first_flexible: int) -> int:
    """The fewest bytes that a struct takes in any version: what a hostile count is held against."""
    return max(1, min(_bytes_in(struct, v, first_flexible) for v in range(struct.versions.low, struct.versions.high + 1)))


def _bytes_in(struct: Struct, version: int, first_flexible: int) -> int:
    compact = version >= first_flexible
    total = 1 if compact else 0  # the count of tagged fields
    for f in struct.fields:
        if f.tag is not None or not f.versions.low <= version <= f.versions.high:
            continue
        if f.array or f.type in BYTES:
            total += 1 if compact else 4
        elif f.type in TEXTS:
            total += 1 if compact else 2
        elif f.struct:
            total += 1 if f.nullable else _bytes_in(f.struct, version, first_flexible)
        else:
            total += NUMBERS[f.type]
    return total


class Body:
    """Writes Read and Write of one struct."""

    def __init__(self, api: Api, message: Message, struct: Struct):
        self.api, self.message, self.struct = api, message, struct
        self.name = struct.name if struct is message.body else f"{message.name}::{struct.name}"
        self.plain = [f for f in struct.fields if f.tag is None]
        self.tagged = sorted((f for f in struct.fields if f.tag is not None), key=lambda f: f.tag)

    def form(self) -> str:
        first, versions = self.api.first_flexible, self.struct.versions
        if first <= versions.low:
            value = "Form::kCompact"
        elif first > versions.high:
            value = "Form::kClassic"
        else:
            value = f"version >= {first} ? Form::kCompact : Form::kClassic"
        return f"  [[maybe_unused]] const Form form = {value};\n"

    def guarded(self, f: Field, statement: str) -> str:
        test = condition(f.versions, self.struct.versions)
        if not test:
            return f"  {statement}\n"
        return f"  if ({test}) {statement}\n"

    def has_tags(self) -> bool:
        return self.struct.versions.high >= self.api.first_flexible

    # Reading.

    def read_value(self, f: Field, target: str) -> str:
        name = f'"{f.name}"'
        if f.struct:
            if f.array:
                return f"in.Structs({name}, form, version, {least_bytes(f.struct, self.api.first_flexible)}, {target});"
            return f"in.Struct({name}, version, {target});"
        if f.type in NUMBERS:
            return f"in.Numbers({name}, form, {target});" if f.array else f"in.Number({name}, {target});"
        if f.type in TEXTS:
            return f"in.{'Texts' if f.array else 'Text'}({name}, form, {target});"
        owned_records = f.type == "records" and self.message.owns
        return f"in.{'Records' if owned_records else 'Bytes'}({name}, form, {target});"

    def read_field(self, f: Field) -> str:
        if not is_optional(f, self.message.owns):
            return self.read_value(f, f"&{f.name}")
        sometimes = condition(f.nullable, f.versions & self.struct.versions)
        if not sometimes:
            return self.read_value(f, f"&{f.name}")
        return (f"{{\n    if ({sometimes}) {{\n      {self.read_value(f, '&' + f.name)}\n    }} else {{\n"
                f"      {self.read_value(f, '&' + f.name + '.emplace()')}\n    }}\n  }}")

    def read(self) -> str:
        text = f"void {self.name}::Read(Reader& in, [[maybe_unused]] int16_t version) {{\n" + self.form()
        for f in self.plain:
            text += self.guarded(f, self.read_field(f))
        if self.has_tags():
            text += self.read_tags()
        return text + "}\n"

    def read_tags(self) -> str:
        if not self.tagged:
            return "  if (form == Form::kCompact) in.SkipTags();\n"
        text = "  if (form == Form::kClassic) return;\n"
        text += "  for (TaggedFields tagged(in); tagged.Next();) {\n    switch (tagged.tag()) {\n"
        for f in self.tagged:
            flexible = Range(max(self.api.first_flexible, self.struct.versions.low), self.struct.versions.high)
            test = condition(f.versions, flexible)
            text += f"      case {f.tag}:\n"
            if test:
                text += f"        if (!({test})) {{\n          tagged.Skip();\n          break;\n        }}\n"
            text += f"        {self.read_field(f)}\n        break;\n"
        return text + "      default:\n        tagged.Skip();\n    }\n  }\n"

    # Writing.

    def write_value(self, f: Field, source: str, out: str) -> str:
        if f.array:
            method = "Structs" if f.struct else "Numbers" if f.type in NUMBERS else "Texts"
            version = "version, " if f.struct else ""
            return f"{out}.{method}(form, {version}{source});"
        if f.struct:
            return f"{source}.Write({out}, version);"
        if f.type in NUMBERS:
            return f"{out}.Number({source});"
        if f.type == "records" and self.message.owns:
            return f"{out}.MoveBytes(form, std::move({source}));"
        return f"{out}.{'Text' if f.type in TEXTS else 'Bytes'}(form, {source});"

    def write_field(self, f: Field, out: str = "out") -> str:
        if not is_optional(f, self.message.owns):
            return self.write_value(f, f.name, out)
        sometimes = condition(f.nullable, f.versions & self.struct.versions)
        if f.array:
            # A version that has no null gets an empty array.
            null = f"if ({sometimes}) {{\n    {out}.NullCount(form);\n  }} else {{\n    {out}.Count(form, 0);\n  }}"
            null = null if sometimes else f"{out}.NullCount(form);"
            return (f"{{\n    if ({f.name}.has_value()) {{\n      {self.write_value(f, '*' + f.name, out)}\n"
                    f"    }} else {{\n      {null}\n    }}\n  }}")
        if f.struct:
            return f"{out}.NullableStruct(version, {f.name});"
        kind = "Text" if f.type in TEXTS else "Bytes"
        always = f"{out}.Nullable{kind}(form, {f.name});"
        if not sometimes:
            return always
        never = f'{out}.{kind}(form, {f.name}.value_or(""));'
        return f"{{\n    if ({sometimes}) {{\n      {always}\n    }} else {{\n      {never}\n    }}\n  }}"

    def write(self) -> str:
        const = "" if self.struct.has_records and self.message.owns else " const"
        text = f"void {self.name}::Write(Writer& out, [[maybe_unused]] int16_t version){const} {{\n" + self.form()
        for f in self.plain:
            text += self.guarded(f, self.write_field(f))
        if self.has_tags():
            text += self.write_tags()
        return text + "}\n"

    def is_set(self, f: Field) -> str:
        test = condition(f.versions, self.struct.versions)
        if is_optional(f, self.message.owns):
            if f.default != "null":
                raise TableError(f"{f.name}: a tagged field that may be null has null as its default")
            value = f"{f.name}.has_value()"
        elif f.array or f.type in (*TEXTS, *BYTES):
            value = f"!{f.name}.empty()"
        elif f.struct or f.type == "uuid":
            value = f"{f.name} != {cpp_type(f, self.message.owns)}{{}}"
        else:
            value = f"{f.name} != {default_of(f, self.message.owns).removeprefix(' = ')}"
        return f"{test} && {value}" if test else value

    def write_tags(self) -> str:
        if not self.tagged:
            return "  if (form == Form::kCompact) out.NoTags();\n"
        text = "  if (form == Form::kClassic) return;\n"
        for f in self.tagged:
            text += f"  const bool has_{f.name} = {self.is_set(f)};\n"
        count = " + ".join(f"uint32_t{{has_{f.name}}}" for f in self.tagged)
        text += f"  out.UnsignedVarint({count});\n"
        for f in self.tagged:
            text += (f"  if (has_{f.name}) {{\n    Writer tagged;\n    {self.write_field(f, 'tagged')}\n"
                     f"    out.Tagged({f.tag}, std::move(tagged));\n  }}\n")
        return text


def members(struct: Struct, message: Message, indent: str) -> str:
    text = ""
    for f in struct.fields:
        test = condition(f.versions, struct.versions)
        comment = f"  // {test}" if test else ""
        text += f"{indent}{cpp_type(f, message.owns)} {f.name}{default_of(f, message.owns)};{comment}\n"
    return text


def declare(api: Api, message: Message) -> str:
    text = (f"struct {message.name} {{\n"
            f"  static constexpr int16_t kApiKey = {api.key};\n"
            f"  static constexpr int16_t kMinVersion = {api.versions.low};\n"
            f"  static constexpr int16_t kMaxVersion = {api.versions.high};\n"
            f"  static constexpr int16_t kFirstFlexible = {api.first_flexible};\n"
            f'  static constexpr const char* kName = "{message.name}";\n\n')
    for struct in message.structs:
        const = "" if struct.has_records and message.owns else " const"
        text += (f"  struct {struct.name} {{\n{members(struct, message, '    ')}"
                 f"    void Read(Reader& in, int16_t version);\n    void Write(Writer& out, int16_t version){const};\n"
                 f"    friend bool operator==(const {struct.name}&, const {struct.name}&) = default;\n  }};\n\n")
    moves = message.body.has_records and message.owns
    text += members(message.body, message, "  ") + "\n"
    text += (f"  absl::Status Decode(Reader& in, int16_t version);\n"
             f"  void Encode(Writer& out, int16_t version){' &&' if moves else ' const'};\n"
             f"  friend bool operator==(const {message.name}&, const {message.name}&) = default;\n\n"
             f" private:\n  void Read(Reader& in, int16_t version);\n"
             f"  void Write(Writer& out, int16_t version){'' if moves else ' const'};\n}};\n")
    return text


def header(api: Api) -> str:
    text = MADE_BY.format(f"/{api.file}.msg") + "//\n"
    text += "".join(f"// {line}\n" for line in api.about)
    text += ("#pragma once\n\n#include <absl/status/status.h>\n\n#include <cstdint>\n#include <optional>\n"
             '#include <string>\n#include <string_view>\n#include <vector>\n\n#include "model/ids.h"\n\n'
             "namespace leat::wire {\n\nclass Reader;\nclass Writer;\n\n")
    return text + "\n".join(declare(api, m) for m in api.messages) + "\n}  // namespace leat::wire\n"


def define(api: Api) -> str:
    text = ""
    for message in api.messages:
        for struct in (*message.structs, message.body):
            body = Body(api, message, struct)
            text += body.read() + body.write() + "\n"
        amp = " &&" if message.body.has_records and message.owns else " const"
        text += (f"absl::Status {message.name}::Decode(Reader& in, int16_t version) {{\n"
                 f"  LEAT_RETURN_IF_ERROR(CheckVersion<{message.name}>(version));\n  Read(in, version);\n"
                 f"  in.ExpectEnd();\n  if (in.ok()) [[likely]] return absl::OkStatus();\n"
                 f'  return in.status(StrCat(kName, " v", version));\n}}\n'
                 f"void {message.name}::Encode(Writer& out, int16_t version){amp} {{\n"
                 f"  LEAT_CHECK(version >= kMinVersion && version <= kMaxVersion) << kName << \" v\" << version;\n"
                 f"  Write(out, version);\n}}\n\n")
    return text


def unit(apis: list[Api]) -> str:
    text = MADE_BY.format("") + "".join(f'#include "wire/messages/{api.file}.h"\n' for api in apis)
    text += ('\n#include "base/check.h"\n#include "base/status.h"\n#include "wire/check_version.h"\n'
             '#include "wire/reader.h"\n#include "wire/writer.h"\n\nnamespace leat::wire {\n\n')
    return text + "".join(define(api) for api in apis) + "}  // namespace leat::wire\n"


def table(apis: list[Api]) -> str:
    text = MADE_BY.format("") + '#include "wire/apis.h"\n\n#include <algorithm>\n\nnamespace leat::wire {\n\n'
    text += "namespace {\nconstexpr ApiInfo kApis[] = {\n"
    for api in sorted(apis, key=lambda a: a.key):
        text += (f'    {{{api.key}, "{api.name}", {api.versions.low}, {api.versions.high}, {api.first_flexible}, '
                 f"{api.serve.low}, {api.serve.high}}},\n")
    text += "};\n}  // namespace\n\nstd::span<const ApiInfo> Apis() { return kApis; }\n\n"
    text += ("const ApiInfo* FindApi(int16_t key) {\n"
             "  const auto* found = std::ranges::lower_bound(kApis, key, {}, &ApiInfo::key);\n"
             "  return found != std::end(kApis) && found->key == key ? found : nullptr;\n}\n\n")
    return text + "}  // namespace leat::wire\n"


def write_if_changed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main() -> int:
    tables, out, units = Path(sys.argv[1]), Path(sys.argv[2]) / "wire", int(sys.argv[3])
    try:
        apis = [parse(path) for path in sorted(tables.glob("*.msg"))]
        for api in apis:
            write_if_changed(out / "messages" / f"{api.file}.h", header(api))
        for n in range(units):
            write_if_changed(out / f"codecs_{n}.cc", unit(apis[n::units]))
        write_if_changed(out / "apis.cc", table(apis))
    except TableError as error:
        print(f"wire tables: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
