// One csv record (RFC 4180) cut into its fields. Not thread-safe: the cutter keeps its buffers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::format {

struct CsvSyntax {
  char delimiter = ',';
  char quote = '"';
  bool quotes_enabled = true;
};

class CsvLine {
 public:
  explicit CsvLine(const CsvSyntax& syntax) : syntax_(syntax) {}
  // Cuts the record; a line end behind it is dropped. The fields are valid until the next Cut and as long as `record`.
  // kInvalidArgument: an unclosed quote, text behind a closing quote, or a second line.
  absl::Status Cut(std::string_view record);
  const std::vector<std::string_view>& fields() const { return fields_; }

 private:
  // Reads the quoted field at *at (behind its opening quote) and stops behind the closing one.
  absl::Status CutQuoted(std::string_view record, size_t* at);

  const CsvSyntax syntax_;
  std::vector<std::string_view> fields_;
  std::string unquoted_;  // fields whose quotes were doubled; reserved up front so that it never moves
};

}  // namespace leat::format
