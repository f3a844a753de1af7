#include "tools/leat/json_line.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>

#include "base/status.h"

namespace leat::tool {

namespace {

using Piece = boost::json::string_view;
using Error = boost::json::error_code;

constexpr size_t kMaxDepth = 256;

// Sees the events of a parse and keeps the text of one field of the top-level object.
struct FieldHandler {
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  explicit FieldHandler(std::string_view name) : field(name) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return Open(true); }
  bool on_object_end(size_t, Error&) { return Close(); }
  bool on_array_begin(Error&) { return Open(false); }
  bool on_array_end(size_t, Error&) { return Close(); }
  bool on_key_part(Piece part, size_t, Error&) {
    if (depth == 1) key.append(part.data(), part.size());
    return true;
  }
  bool on_key(Piece part, size_t, Error&) {
    if (depth != 1) return true;
    key.append(part.data(), part.size());
    wanted = key == field;
    if (wanted) text.clear();  // of two fields with one name the last counts, as everywhere
    key.clear();
    return true;
  }
  bool on_string_part(Piece part, size_t, Error&) { return Add(part); }
  bool on_string(Piece part, size_t, Error&) { return Take(part); }
  bool on_number_part(Piece part, Error&) { return Add(part); }
  bool on_int64(int64_t, Piece part, Error&) { return Take(part); }
  bool on_uint64(uint64_t, Piece part, Error&) { return Take(part); }
  bool on_double(double, Piece part, Error&) { return Take(part); }
  bool on_bool(bool value, Error&) { return Take(value ? "true" : "false"); }
  bool on_null(Error&) {
    if (AtField()) found = Found::kNull;
    wanted = wanted && depth != 1;
    return true;
  }
  bool on_comment_part(Piece, Error&) { return true; }
  bool on_comment(Piece, Error&) { return true; }

  enum class Found { kNo, kText, kNull, kNested };

  bool AtField() const { return wanted && depth == 1; }
  bool Open(bool object) {
    if (AtField()) found = Found::kNested;
    if (depth == 0) is_object = object;
    ++depth;
    return true;
  }
  bool Close() {
    --depth;
    if (depth == 1) wanted = false;
    return true;
  }
  bool Add(Piece part) {
    if (AtField()) text.append(part.data(), part.size());
    return true;
  }
  bool Take(Piece part) {
    if (!AtField()) return true;
    Add(part);
    found = Found::kText;
    wanted = false;
    return true;
  }

  std::string_view field;
  std::string key;
  std::string text;
  Found found = Found::kNo;
  int depth = 0;
  bool wanted = false;
  bool is_object = false;
};

absl::Status Parse(std::string_view line, boost::json::basic_parser<FieldHandler>* parser) {
  Error error;
  const size_t taken = parser->write_some(false, line.data(), line.size(), error);
  if (!error && taken < line.size()) {
    return InvalidArgument("expected one JSON document a line, got more text at character ", taken + 1);
  }
  if (error == boost::json::error::incomplete) return InvalidArgument("expected JSON, got an unfinished document");
  if (error) return InvalidArgument("expected JSON, got ", error.message(), " at character ", taken + 1);
  return absl::OkStatus();
}

boost::json::parse_options Options() {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  return options;
}

}  // namespace

absl::Status CheckJsonLine(std::string_view line) {
  boost::json::basic_parser<FieldHandler> parser(Options(), "");
  return Parse(line, &parser);
}

absl::StatusOr<std::optional<std::string>> JsonFieldText(std::string_view line, std::string_view field) {
  boost::json::basic_parser<FieldHandler> parser(Options(), field);
  LEAT_RETURN_IF_ERROR(Parse(line, &parser));
  FieldHandler& handler = parser.handler();
  if (!handler.is_object)
    return InvalidArgument("expected an object with the field '", field, "', got another JSON value");
  switch (handler.found) {
    case FieldHandler::Found::kNo:
      return InvalidArgument("the object has no field '", field, "' for the key");
    case FieldHandler::Found::kNull:
      return std::optional<std::string>();
    case FieldHandler::Found::kText:
      return std::optional<std::string>(std::move(handler.text));
    case FieldHandler::Found::kNested:
      break;
  }
  return InvalidArgument("the field '", field, "' holds an object or a list, which cannot be a key");
}

std::string JsonString(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

bool IsJsonScalar(std::string_view text) {
  if (text == "true" || text == "false") return true;
  if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return false;
  const char last = text.back();  // the parser takes blanks at the end
  return last >= '0' && last <= '9' && CheckJsonLine(text).ok();
}

}  // namespace leat::tool
