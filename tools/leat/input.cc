#include "tools/leat/input.h"

#include <simdjson.h>

#include "base/status.h"
#include "tools/leat/json_line.h"

namespace leat::tool {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view WithoutNewline(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

InputFormat FormatOfFile(std::string_view path) {
  if (path.ends_with(".csv")) return InputFormat::kCsv;
  for (const std::string_view end : {".json", ".jsonl", ".ndjson"}) {
    if (path.ends_with(end)) return InputFormat::kJson;
  }
  return InputFormat::kText;
}

void InputReader::Feed(std::string_view line) {
  ++line_;
  if (line_ == 1 && options_.format != InputFormat::kText && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  switch (options_.format) {
    case InputFormat::kText:
      Push(line_, ReadText(WithoutNewline(line)));
      break;
    case InputFormat::kJson:
      if (!IsBlank(line)) Push(line_, ReadJson(WithoutNewline(line)));
      break;
    case InputFormat::kCsv:
      TakeRows(csv_.Feed(line));
      break;
  }
}

void InputReader::Finish() {
  if (options_.format == InputFormat::kCsv) TakeRows(csv_.Finish());
}

std::optional<absl::StatusOr<InputRecord>> InputReader::Next() {
  if (ready_.empty()) return std::nullopt;
  absl::StatusOr<InputRecord> next = std::move(ready_.front());
  ready_.pop_front();
  return next;
}

void InputReader::Push(size_t line, absl::StatusOr<InputRecord> record) {
  if (record.ok()) {
    record->line = line;
    ready_.push_back(std::move(record));
  } else {
    ready_.push_back(Annotate(record.status(), StrCat(line)));
  }
}

absl::StatusOr<InputRecord> InputReader::ReadText(std::string_view line) const {
  InputRecord record;
  if (!options_.key_separator.empty()) {
    const size_t at = line.find(options_.key_separator);
    if (at == std::string_view::npos) {
      return InvalidArgument("expected KEY", options_.key_separator, "VALUE, got no '", options_.key_separator, "'");
    }
    record.key = std::string(line.substr(0, at));
    line.remove_prefix(at + options_.key_separator.size());
  }
  if (line != options_.null_value) record.value = std::string(line);
  return record;
}

absl::StatusOr<InputRecord> InputReader::ReadJson(std::string_view line) const {
  InputRecord record;
  if (options_.key_field.empty()) {
    LEAT_RETURN_IF_ERROR(CheckJsonLine(line));
  } else {
    LEAT_ASSIGN_OR_RETURN(record.key, JsonFieldText(line, options_.key_field));
  }
  record.value = std::string(line);
  return record;
}

void InputReader::TakeRows(absl::StatusOr<std::vector<CsvReader::Row>> rows) {
  if (!rows.ok()) {
    // Without its header nothing of the file can be read.
    const absl::Status failed =
        has_header_ ? rows.status() : FailedPrecondition("the header: ", Message(rows.status()));
    Push(csv_.line(), failed);
    return;
  }
  for (const CsvReader::Row& row : *rows) {
    if (has_header_) {
      Push(row.line, ReadRow(row));
      continue;
    }
    if (const absl::Status header = ReadHeader(row); !header.ok()) Push(row.line, header);
    has_header_ = true;
  }
}

absl::Status InputReader::ReadHeader(const CsvReader::Row& row) {
  StringSet names;
  for (size_t i = 0; i < row.fields.size(); ++i) {
    const std::string name = row.fields[i].empty() ? StrCat("_c", i) : row.fields[i];
    if (!simdjson::validate_utf8(name)) return FailedPrecondition("the header: column ", i + 1, " is not UTF-8");
    if (!names.insert(name).second) {
      return FailedPrecondition("the header: two columns are called '", name, "', and a JSON object needs one of each");
    }
    if (name == options_.key_field) key_column_ = i;
    columns_.push_back(StrCat(JsonString(name), ":"));
  }
  if (!options_.key_field.empty() && !key_column_) {
    return FailedPrecondition("the header: no column is called '", options_.key_field, "', which --key names");
  }
  return absl::OkStatus();
}

absl::StatusOr<InputRecord> InputReader::ReadRow(const CsvReader::Row& row) const {
  if (row.fields.size() != columns_.size()) {
    return InvalidArgument("expected ", columns_.size(), " fields as in the header, got ", row.fields.size());
  }
  std::string value = "{";
  for (size_t i = 0; i < row.fields.size(); ++i) {
    const std::string& field = row.fields[i];
    if (!simdjson::validate_utf8(field)) return InvalidArgument("field ", i + 1, " (", columns_[i], ") is not UTF-8");
    if (i > 0) value += ',';
    value += columns_[i];
    value += options_.infer_types && IsJsonScalar(field) ? field : JsonString(field);
  }
  value += '}';
  InputRecord record;
  if (key_column_) record.key = row.fields[*key_column_];
  record.value = std::move(value);
  return record;
}

}  // namespace leat::tool
