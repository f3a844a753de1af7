// A text file that a command is about.
#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace leat::tool {

// kNotFound: there is no such file. kInvalidArgument: it is too large, or no UTF-8, with the line.
absl::StatusOr<std::string> ReadText(const std::string& path);

}  // namespace leat::tool
