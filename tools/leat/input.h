// Turns text, JSON lines and CSV into records to produce. Not thread-safe.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/leat/csv_reader.h"

namespace leat::tool {

enum class InputFormat { kText, kJson, kCsv };

struct InputOptions {
  InputFormat format = InputFormat::kText;
  std::string key_field;                  // of JSON and CSV; empty: no key
  std::string key_separator;              // of text; empty: no key
  std::optional<std::string> null_value;  // of text: this value is a tombstone
  bool infer_types = false;               // of CSV: numbers and booleans, else everything is a string
};

struct InputRecord {
  size_t line = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

// By the end of a file's name: .csv, .json, .jsonl, .ndjson; text for anything else.
InputFormat FormatOfFile(std::string_view path);

// Line by line: Feed every line, then Finish; after each of them take what Next gives until it gives nothing.
class InputReader {
 public:
  static constexpr size_t kMaxLineBytes = CsvReader::kMaxRowBytes;

  explicit InputReader(InputOptions options) : options_(std::move(options)) {}

  void Feed(std::string_view line);  // with its newline, if it has one
  void Finish();

  // A record, or a bad line: kInvalidArgument with "<line>: " at its front. kFailedPrecondition: nothing behind this
  // can be read either (a CSV header that cannot be used). nullopt: feed more.
  std::optional<absl::StatusOr<InputRecord>> Next();

 private:
  absl::StatusOr<InputRecord> ReadText(std::string_view line) const;
  absl::StatusOr<InputRecord> ReadJson(std::string_view line) const;
  absl::StatusOr<InputRecord> ReadRow(const CsvReader::Row& row) const;
  absl::Status ReadHeader(const CsvReader::Row& row);
  void TakeRows(absl::StatusOr<std::vector<CsvReader::Row>> rows);
  void Push(size_t line, absl::StatusOr<InputRecord> record);

  InputOptions options_;
  CsvReader csv_;
  std::vector<std::string> columns_;  // as JSON strings with a colon: "name":
  std::optional<size_t> key_column_;
  bool has_header_ = false;
  size_t line_ = 0;
  std::deque<absl::StatusOr<InputRecord>> ready_;
};

}  // namespace leat::tool
