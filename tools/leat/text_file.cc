#include "tools/leat/text_file.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"

namespace leat::tool {

namespace {

constexpr uintmax_t kMostBytes = 4 << 20;

// Protocol buffers carry text as UTF-8 only; the line says where to look.
absl::Status CheckUtf8(const std::string& path, std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view here = text.substr(0, text.find('\n'));
    if (!simdjson::validate_utf8(here.data(), here.size())) {
      return InvalidArgument(path, ":", line, ": expected UTF-8 text, got other bytes: save the file as UTF-8");
    }
    text.remove_prefix(std::min(text.size(), here.size() + 1));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory) return NotFound("no file ", path);
  if (error) return InvalidArgument("cannot read ", path, ": ", error.message());
  if (size > kMostBytes) return InvalidArgument(path, " has ", size, " bytes; expected at most ", kMostBytes);
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return InvalidArgument("cannot read ", path);
  LEAT_RETURN_IF_ERROR(CheckUtf8(path, text));
  return text;
}

}  // namespace leat::tool
