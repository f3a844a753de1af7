// Decodes and encodes whole tables in tests.
#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "base/check.h"
#include "stream/format/format.h"

namespace leat::format {

struct Decoded {
  data::Batch batch;
  std::vector<uint32_t> rows;
  std::vector<DecodeError> errors;

  // The rows as text, then the errors as "record: reason".
  std::string ToString() const {
    std::string text;
    for (size_t i = 0; i < batch.rows; ++i) text += data::FormatRow(batch, i) + "\n";
    for (const DecodeError& error : errors) text += std::to_string(error.record) + ": " + error.reason + "\n";
    return text;
  }
};

inline std::vector<int> AllOf(const data::Schema& schema) {
  std::vector<int> wanted(schema.fields.size());
  std::iota(wanted.begin(), wanted.end(), 0);
  return wanted;
}

inline Decoded DecodeWith(Decoder& decoder, const data::Schema& schema, std::span<const int> wanted,
                          const std::vector<std::optional<std::string_view>>& records) {
  std::vector<std::shared_ptr<data::Column>> columns;
  std::vector<data::Column*> pointers;
  for (const int i : wanted) {
    columns.push_back(std::make_shared<data::Column>(schema.fields[static_cast<size_t>(i)].type));
    pointers.push_back(columns.back().get());
  }
  Decoded decoded;
  decoder.Decode(records, pointers, &decoded.rows, &decoded.errors);
  decoded.batch.rows = decoded.rows.size();
  for (auto& column : columns) {
    EXPECT_EQ(column->size(), decoded.rows.size());
    decoded.batch.columns.push_back(std::move(column));
  }
  return decoded;
}

inline Decoded DecodeAll(std::string_view format, const FormatOptions& options, const data::Schema& schema,
                         const std::vector<std::optional<std::string_view>>& records) {
  const std::vector<int> wanted = AllOf(schema);
  auto decoder = MakeDecoder(format, options, schema, wanted);
  LEAT_CHECK_OK(decoder.status());
  return DecodeWith(**decoder, schema, wanted, records);
}

inline std::string DecodeOne(std::string_view format, const FormatOptions& options, const data::Schema& schema,
                             std::string_view record) {
  return DecodeAll(format, options, schema, {record}).ToString();
}

inline std::string EncodeRow(std::string_view format, const FormatOptions& options, const data::Schema& schema,
                             const data::Batch& batch, size_t row) {
  auto encoder = MakeEncoder(format, options, schema);
  LEAT_CHECK_OK(encoder.status());
  std::string out;
  const absl::Status status = (*encoder)->Encode(batch, row, &out);
  return status.ok() ? out : "error: " + std::string(Message(status));
}

}  // namespace leat::format
