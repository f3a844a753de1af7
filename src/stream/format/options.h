// The options of each format: their names, what values they take, and the check that a table's WITH clause passes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/format/format.h"

namespace leat::format {

struct OptionSpec {
  enum class Kind { kBoolean, kChoice, kCharacter, kText };
  std::string_view name;
  Kind kind = Kind::kText;
  std::string_view choices = "";  // kChoice: separated by '|'; compared without case
};

std::span<const OptionSpec> JsonOptions();
std::span<const OptionSpec> DebeziumOptions();
std::span<const OptionSpec> CsvOptions();
std::span<const OptionSpec> RawOptions();

// kInvalidArgument: an option that the format does not know (with the nearest one that it does) or a bad value.
absl::Status CheckOptions(std::string_view format, const FormatOptions& options, std::span<const OptionSpec> specs);

// The value of an option that CheckOptions accepted, or `otherwise`.
bool BooleanOption(const FormatOptions& options, std::string_view name, bool otherwise);
std::string TextOption(const FormatOptions& options, std::string_view name, std::string_view otherwise);
// One character; \t and the like may be written as an escape.
char CharacterOption(const FormatOptions& options, std::string_view name, char otherwise);
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace leat::format
