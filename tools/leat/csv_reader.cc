#include "tools/leat/csv_reader.h"

#include <csv.h>

#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace leat::tool {

namespace {

// libcsv drops blanks around a field unless told that there is no such character.
int IsNeverBlank(unsigned char) { return 0; }

}  // namespace

struct CsvReader::Parser {
  Parser() {
    LEAT_CHECK(csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_space_func(&csv, IsNeverBlank);
    // The step by which its memory grows; 128 bytes by default, which makes large fields a matter of copying.
    csv_set_blk_size(&csv, size_t{64} << 10);
  }
  ~Parser() { csv_free(&csv); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  csv_parser csv = {};
};

CsvReader::CsvReader() : parser_(std::make_unique<Parser>()) {}
CsvReader::~CsvReader() = default;

void CsvReader::OnField(void* text, size_t size, void* self) {
  static_cast<CsvReader*>(self)->fields_.emplace_back(static_cast<const char*>(text), size);
}

void CsvReader::OnRow(int, void* self) {
  auto* reader = static_cast<CsvReader*>(self);
  reader->rows_.push_back({.line = reader->row_line_, .fields = std::exchange(reader->fields_, {})});
}

void CsvReader::Restart() {
  parser_ = std::make_unique<Parser>();
  fields_.clear();
  row_bytes_ = 0;
  in_row_ = false;
}

absl::Status CsvReader::Fail(std::string_view reason) {
  Restart();
  return InvalidArgument("expected a row of CSV, got ", reason);
}

absl::StatusOr<std::vector<CsvReader::Row>> CsvReader::Feed(std::string_view line) {
  ++lines_;
  if (!in_row_) row_line_ = lines_;
  row_bytes_ += line.size();
  if (row_bytes_ > kMaxRowBytes) return Fail(StrCat("more than ", kMaxRowBytes, " bytes; is a quote left open?"));
  const size_t taken = csv_parse(&parser_->csv, line.data(), line.size(), OnField, OnRow, this);
  if (taken != line.size()) {
    rows_.clear();
    return Fail("a quote inside a field: quote the whole field and double the quotes in it");
  }
  std::vector<Row> rows = std::exchange(rows_, {});
  // No row and no field yet: either an empty line or a quoted field that goes on behind this line.
  in_row_ = rows.empty() && line.find_first_not_of("\r\n") != std::string_view::npos;
  in_row_ = in_row_ || (rows.empty() && row_bytes_ > line.size());
  if (!in_row_) row_bytes_ = 0;
  return rows;
}

absl::StatusOr<std::vector<CsvReader::Row>> CsvReader::Finish() {
  if (csv_fini(&parser_->csv, OnField, OnRow, this) != 0) return Fail("the end of the text inside quotes");
  std::vector<Row> rows = std::exchange(rows_, {});
  Restart();
  return rows;
}

}  // namespace leat::tool
