#include "log/file_names.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>

#include "base/strings.h"
#include "env/disk.h"

namespace leat::log {

std::string SegmentPath(std::string_view folder, model::Offset base, std::string_view suffix) {
  return env::JoinPath(folder, StrCat(absl::StrFormat("%020d", base.value()), suffix));
}

std::optional<model::Offset> ParseSegmentName(std::string_view name, std::string_view suffix) {
  if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, 20);
  int64_t base = 0;
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtoi(ToAbsl(digits), &base)) return std::nullopt;
  return model::Offset(base);
}

}  // namespace leat::log
