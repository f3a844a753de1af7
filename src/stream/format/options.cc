#include "stream/format/options.h"

#include <algorithm>

#include "base/check.h"

namespace leat::format {
namespace {

using Kind = OptionSpec::Kind;

constexpr OptionSpec kJson[] = {
    {"fail-on-missing-field", Kind::kBoolean},
    {"ignore-parse-errors", Kind::kBoolean},
    {"timestamp-format.standard", Kind::kChoice, "SQL|ISO-8601"},
    {"map-null-key.mode", Kind::kChoice, "FAIL|DROP|LITERAL"},
    {"map-null-key.literal", Kind::kText},
    {"encode.decimal-as-plain-number", Kind::kBoolean},
    {"encode.ignore-null-fields", Kind::kBoolean},
};
constexpr OptionSpec kDebezium[] = {
    {"schema-include", Kind::kBoolean},
    {"ignore-parse-errors", Kind::kBoolean},
    {"timestamp-format.standard", Kind::kChoice, "SQL|ISO-8601"},
    {"map-null-key.mode", Kind::kChoice, "FAIL|DROP|LITERAL"},
    {"map-null-key.literal", Kind::kText},
    {"encode.decimal-as-plain-number", Kind::kBoolean},
    {"encode.ignore-null-fields", Kind::kBoolean},
};
constexpr OptionSpec kCsv[] = {
    {"field-delimiter", Kind::kCharacter},       {"quote-character", Kind::kCharacter},
    {"disable-quote-character", Kind::kBoolean}, {"allow-comments", Kind::kBoolean},
    {"ignore-parse-errors", Kind::kBoolean},     {"null-literal", Kind::kText},
    {"array-element-delimiter", Kind::kText},
};
constexpr OptionSpec kRaw[] = {
    {"charset", Kind::kChoice, "UTF-8"},
    {"endianness", Kind::kChoice, "big-endian|little-endian"},
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// "\t" as two characters means a tab; returns '\0' if the text is not one character.
char Character(std::string_view text) {
  if (text.size() == 1) return text[0];
  if (text == "\\t") return '\t';
  if (text == "\\\\") return '\\';
  return '\0';
}

bool IsChoice(std::string_view value, std::string_view choices) {
  while (true) {
    const size_t bar = choices.find('|');
    if (EqualsIgnoringCase(value, choices.substr(0, bar))) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

absl::Status CheckValue(std::string_view full_name, const OptionSpec& spec, std::string_view value) {
  switch (spec.kind) {
    case Kind::kBoolean:
      if (IsChoice(value, "true|false")) return absl::OkStatus();
      return InvalidArgument("'", full_name, "': expected true or false, got '", value, "'");
    case Kind::kChoice:
      if (IsChoice(value, spec.choices)) return absl::OkStatus();
      return InvalidArgument("'", full_name, "': expected one of ", spec.choices, ", got '", value, "'");
    case Kind::kCharacter:
      if (Character(value) != '\0') return absl::OkStatus();
      return InvalidArgument("'", full_name, "': expected one ASCII character, got '", value, "'");
    case Kind::kText:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

std::span<const OptionSpec> DebeziumOptions() { return kDebezium; }
std::span<const OptionSpec> JsonOptions() { return kJson; }
std::span<const OptionSpec> CsvOptions() { return kCsv; }
std::span<const OptionSpec> RawOptions() { return kRaw; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

absl::Status CheckOptions(std::string_view format, const FormatOptions& options, std::span<const OptionSpec> specs) {
  for (const auto& [name, value] : options) {
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& s) { return s.name == name; });
    const std::string full_name = StrCat(format, ".", name);
    if (spec == specs.end()) {
      std::vector<std::string_view> names;
      for (const OptionSpec& known : specs) names.push_back(known.name);
      const std::string_view nearest = Nearest(name, names);
      std::string all;
      for (const std::string_view known : names) StrAppend(&all, all.empty() ? "" : ", ", format, ".", known);
      return InvalidArgument(
          "'", full_name, "' is no option of format ", format,
          nearest.empty() ? StrCat("; it has ", all) : StrCat("; did you mean '", format, ".", nearest, "'?"));
    }
    LEAT_RETURN_IF_ERROR(CheckValue(full_name, *spec, value));
  }
  return absl::OkStatus();
}

bool BooleanOption(const FormatOptions& options, std::string_view name, bool otherwise) {
  const auto found = options.find(std::string(name));
  return found == options.end() ? otherwise : EqualsIgnoringCase(found->second, "true");
}

std::string TextOption(const FormatOptions& options, std::string_view name, std::string_view otherwise) {
  const auto found = options.find(std::string(name));
  return found == options.end() ? std::string(otherwise) : found->second;
}

char CharacterOption(const FormatOptions& options, std::string_view name, char otherwise) {
  const auto found = options.find(std::string(name));
  return found == options.end() ? otherwise : Character(found->second);
}

}  // namespace leat::format
