#include "admin/record_json.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/strings.h"

namespace leat::admin {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 256;

bool IsJson(std::string_view text) {
  json::monotonic_resource memory;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  json::parse(json::string_view(text.data(), text.size()), error, &memory, options);
  return !error;
}

}  // namespace

void AppendJsonText(std::string_view name, std::string_view bytes, std::string* out) {
  const std::string quoted = json::serialize(json::string_view(bytes.data(), bytes.size()));
  if (IsJson(quoted)) {  // it is UTF-8
    StrAppend(out, "\"", name, "\":", quoted);
  } else {
    StrAppend(out, "\"", name, "_base64\":\"", absl::Base64Escape(ToAbsl(bytes)), "\"");
  }
}

void AppendJsonKey(std::string_view key, std::string* out) { AppendJsonText("key", key, out); }

void AppendJsonValue(std::string_view value, std::string* out) {
  if (IsJson(value)) {
    *out += "\"value\":";
    const size_t from = out->size();
    *out += value;
    // Inside strings JSON has no line breaks.
    std::replace_if(
        out->begin() + static_cast<std::ptrdiff_t>(from), out->end(), [](char c) { return c == '\n' || c == '\r'; },
        ' ');
    return;
  }
  std::string text;
  AppendJsonText("value", value, &text);
  constexpr std::string_view kText = "\"value\":";
  if (text.compare(0, kText.size(), kText) == 0) text.replace(0, kText.size(), "\"value_text\":");
  *out += text;
}

}  // namespace leat::admin
