// Formats: bytes <-> columns. A decoder or encoder is made for one table and one set of columns; not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/data/batch.h"

namespace leat::format {

struct DecodeError {
  uint32_t record;     // index into the records given
  std::string reason;  // "field amt: expected a number, got \"abc\""
};

// The options of one format with their prefix removed: {"ignore-parse-errors": "true"} of 'json.ignore-parse-errors'.
using FormatOptions = std::map<std::string, std::string>;

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Appends the rows of these records to `columns` (one per schema field that the decoder was made for) and, per row
  // appended, the index of its record to *rows. A record without a value (nullopt) gives no row and no error. A record
  // that cannot be decoded gives no row and one entry in *errors (none with ignore-parse-errors).
  virtual void Decode(std::span<const std::optional<std::string_view>> records, std::span<data::Column* const> columns,
                      std::vector<uint32_t>* rows, std::vector<DecodeError>* errors) = 0;
  // What the rows of the last Decode do; empty: all are +I. One record of a changelog can give two rows.
  virtual std::span<const data::RowKind> kinds() const { return {}; }
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends the bytes of one row to *out. The batch has the columns that the encoder was made for; formats of
  // changelogs look at its kinds.
  virtual absl::Status Encode(const data::Batch& batch, size_t row, std::string* out) = 0;
};

// `table_fields`: all physical fields of the table, in order (csv needs them all); `wanted`: the indexes to decode.
// kInvalidArgument: unknown format (names the known ones), unknown or bad option, or a schema that the format cannot
// carry.
absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(std::string_view format, const FormatOptions& options,
                                                     const data::Schema& table_fields, std::span<const int> wanted);
absl::StatusOr<std::unique_ptr<Encoder>> MakeEncoder(std::string_view format, const FormatOptions& options,
                                                     const data::Schema& fields);
// Checks format and options alone, for the analyser's caller.
absl::Status CheckFormat(std::string_view format, const FormatOptions& options, const data::Schema& fields);
std::span<const std::string_view> FormatNames();

}  // namespace leat::format
