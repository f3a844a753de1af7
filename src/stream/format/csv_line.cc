#include "stream/format/csv_line.h"

namespace leat::format {

absl::Status CsvLine::CutQuoted(std::string_view record, size_t* at) {
  const size_t start = *at;
  const size_t from = unquoted_.size();
  bool doubled = false;
  size_t plain = start;
  while (true) {
    const size_t quote = record.find(syntax_.quote, *at);
    if (quote == std::string_view::npos) return InvalidArgument("the quote at byte ", start - 1, " is never closed");
    if (quote + 1 < record.size() && record[quote + 1] == syntax_.quote) {
      doubled = true;
      unquoted_.append(record.substr(plain, quote + 1 - plain));
      plain = quote + 2;
      *at = quote + 2;
      continue;
    }
    if (doubled) {
      unquoted_.append(record.substr(plain, quote - plain));
      fields_.push_back(std::string_view(unquoted_).substr(from));
    } else {
      fields_.push_back(record.substr(start, quote - start));
    }
    *at = quote + 1;
    return absl::OkStatus();
  }
}

absl::Status CsvLine::Cut(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  fields_.clear();
  unquoted_.clear();
  unquoted_.reserve(record.size());
  size_t at = 0;
  while (true) {
    if (syntax_.quotes_enabled && at < record.size() && record[at] == syntax_.quote) {
      ++at;
      LEAT_RETURN_IF_ERROR(CutQuoted(record, &at));
      if (at < record.size() && record[at] != syntax_.delimiter) {
        return InvalidArgument("expected the field delimiter behind the closing quote at byte ", at - 1);
      }
    } else {
      const size_t start = at;
      while (at < record.size() && record[at] != syntax_.delimiter && record[at] != '\n' && record[at] != '\r') ++at;
      if (at < record.size() && record[at] != syntax_.delimiter) {
        return InvalidArgument("expected one line, got a second one from byte ", at);
      }
      fields_.push_back(record.substr(start, at - start));
    }
    if (at == record.size()) return absl::OkStatus();
    ++at;  // the delimiter; at the end of the record an empty field follows it
  }
}

}  // namespace leat::format
