// Rows of CSV as RFC 4180 has it: quotes, doubled quotes, commas and newlines inside quotes; blanks belong to a field.
// Empty lines are no rows. Takes text line by line, so that a row's line number is known. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leat::tool {

class CsvReader {
 public:
  static constexpr size_t kMaxRowBytes = 16 << 20;

  struct Row {
    size_t line = 0;  // where it begins, from 1
    std::vector<std::string> fields;
  };

  CsvReader();
  ~CsvReader();

  // One line with its newline, if it has one. The rows that it ends: none or one, more only with lone carriage returns.
  // kInvalidArgument: quotes that RFC 4180 does not allow, or a row beyond kMaxRowBytes; names no line (see line()).
  // After an error the row is dropped and the next line begins a new one.
  absl::StatusOr<std::vector<Row>> Feed(std::string_view line);
  // The row that the end of the text ends, if one is open. kInvalidArgument: a quote is still open.
  absl::StatusOr<std::vector<Row>> Finish();
  // Where the row begins that was read last, or that failed.
  size_t line() const { return row_line_; }

 private:
  struct Parser;

  static void OnField(void* text, size_t size, void* self);
  static void OnRow(int terminator, void* self);
  absl::Status Fail(std::string_view reason);
  void Restart();

  std::unique_ptr<Parser> parser_;
  std::vector<Row> rows_;
  std::vector<std::string> fields_;
  size_t lines_ = 0;
  size_t row_line_ = 1;
  size_t row_bytes_ = 0;
  bool in_row_ = false;
};

}  // namespace leat::tool
