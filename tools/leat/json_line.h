// Checks one line of JSON and picks a field out of it, without building the document. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>

namespace leat::tool {

// The line must be one JSON document in UTF-8 (nesting at most 256 deep); kInvalidArgument says where it is not.
absl::Status CheckJsonLine(std::string_view line);
// The same, and the text of the top-level field: a string's text, a number or boolean as it is written; nullopt if it
// is null. kInvalidArgument: not an object, no such field, or an object or list.
absl::StatusOr<std::optional<std::string>> JsonFieldText(std::string_view line, std::string_view field);

// `text` as a JSON string, with its quotes. REQUIRES: UTF-8.
std::string JsonString(std::string_view text);
// True if `text` is a JSON number or true or false, to the letter.
bool IsJsonScalar(std::string_view text);

}  // namespace leat::tool
