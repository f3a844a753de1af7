#include "tools/leat/record_format.h"

#include <absl/strings/escaping.h>
#include <simdjson.h>

#include <boost/json/serialize.hpp>
#include <optional>

#include "base/status.h"

namespace leat::tool {

namespace {

constexpr std::string_view kFields = "tpokvTh";

std::optional<char> Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    case '\\':
      return '\\';
    default:
      return std::nullopt;
  }
}

std::string HeadersText(const client::Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    StrAppend(&out, out.empty() ? "" : ",", name, "=", value.value_or(""));
  }
  return out;
}

// `"name":"text"`, or `"name_base64":"..."`, or `"name":null`.
void AppendField(std::string_view name, const std::optional<std::string>& text, std::string* out) {
  if (!text) {
    StrAppend(out, "\"", name, "\":null");
  } else if (simdjson::validate_utf8(text->data(), text->size())) {
    StrAppend(out, "\"", name, "\":", boost::json::serialize(boost::json::string_view(*text)));
  } else {
    std::string encoded;
    absl::Base64Escape(*text, &encoded);
    StrAppend(out, "\"", name, "_base64\":\"", encoded, "\"");
  }
}

}  // namespace

absl::StatusOr<RecordFormat> RecordFormat::Parse(std::string_view format) {
  RecordFormat result;
  std::string text;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c != '%' && c != '\\') {
      text += c;
      continue;
    }
    const char next = i + 1 < format.size() ? format[i + 1] : ' ';
    ++i;
    if (c == '%' && next == '%') {
      text += '%';
    } else if (c == '%' && kFields.find(next) != std::string_view::npos) {
      result.pieces_.push_back({.text = std::move(text)});
      text.clear();
      result.pieces_.push_back({.field = next});
    } else if (c == '\\' && Unescape(next)) {
      text += *Unescape(next);
    } else {
      return InvalidArgument("format '", format,
                             "': expected one of %t %p %o %k %v %T %h %% \\n \\t \\r \\0 \\\\, got '",
                             format.substr(i - 1, 2), "' at character ", i);
    }
  }
  result.pieces_.push_back({.text = std::move(text)});
  return result;
}

void RecordFormat::Append(const client::ConsumerRecord& record, std::string* out) const {
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case 't':
        *out += record.partition.topic;
        break;
      case 'p':
        StrAppend(out, record.partition.partition);
        break;
      case 'o':
        StrAppend(out, record.offset);
        break;
      case 'k':
        *out += record.key.value_or("");
        break;
      case 'v':
        if (record.value) *out += *record.value;
        break;
      case 'T':
        StrAppend(out, record.timestamp_ms);
        break;
      case 'h':
        *out += HeadersText(record.headers);
        break;
      default:
        *out += piece.text;
    }
  }
}

void AppendRecordJson(const client::ConsumerRecord& record, std::string* out) {
  StrAppend(out, "{\"topic\":", boost::json::serialize(boost::json::string_view(record.partition.topic)),
            ",\"partition\":", record.partition.partition, ",\"offset\":", record.offset,
            ",\"timestamp_ms\":", record.timestamp_ms, ",");
  AppendField("key", record.key, out);
  *out += ',';
  AppendField("value", record.value, out);
  *out += ",\"headers\":[";
  for (size_t i = 0; i < record.headers.size(); ++i) {
    *out += i > 0 ? ",{" : "{";
    AppendField("name", record.headers[i].first, out);
    *out += ',';
    AppendField("value", record.headers[i].second, out);
    *out += '}';
  }
  *out += "]}\n";
}

}  // namespace leat::tool
