// Batches for tests: records that own their bytes, and batches whose fields are changed with the CRC put right again.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "model/record_batch.h"

namespace leat::model {

inline constexpr size_t kTestLimit = size_t{16} << 20;
inline constexpr Compression kEveryCompression[] = {Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                                    Compression::kLz4, Compression::kZstd};

struct OwnedHeader {
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const OwnedHeader&, const OwnedHeader&) = default;
};

struct OwnedRecord {
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<OwnedHeader> headers;
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

inline std::string Build(const std::vector<OwnedRecord>& records, const BatchBuilder::Options& options = {}) {
  BatchBuilder builder(options);
  for (const OwnedRecord& record : records) {
    std::vector<Header> headers;
    for (const OwnedHeader& header : record.headers) headers.push_back({header.key, header.value});
    builder.Add(record.timestamp_ms, record.key, record.value, headers);
  }
  return builder.Finish().value();
}

// Every record of a batch; offsets must rise from the base offset without gaps.
inline absl::StatusOr<std::vector<OwnedRecord>> ReadAll(std::string_view batch) {
  LEAT_ASSIGN_OR_RETURN(RecordIterator iterator, RecordIterator::Open(batch, kTestLimit));
  std::vector<OwnedRecord> records;
  RecordView view;
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const bool more, iterator.Next(&view));
    if (!more) return records;
    EXPECT_EQ(view.offset, iterator.header().base_offset + static_cast<int64_t>(records.size()));
    OwnedRecord record{.timestamp_ms = view.timestamp_ms};
    if (view.key.has_value()) record.key = std::string(*view.key);
    if (view.value.has_value()) record.value = std::string(*view.value);
    for (const Header& header : view.headers) {
      OwnedHeader owned{.key = std::string(header.key)};
      if (header.value.has_value()) owned.value = std::string(*header.value);
      record.headers.push_back(owned);
    }
    records.push_back(record);
  }
}

// Makes the CRC of a batch right again, as somebody who wants to deceive us would.
inline std::string WithRightCrc(std::string batch) {
  StoreBigEndian(batch.data() + 17, Crc32c(std::string_view(batch).substr(21)));
  return batch;
}

template <typename T>
std::string WithField(std::string batch, size_t at, T value) {
  StoreBigEndian(batch.data() + at, value);
  return WithRightCrc(std::move(batch));
}

// A batch with these bytes as its records, and a length and a CRC to match.
inline std::string WithRecords(std::string batch, std::string_view records, int32_t count) {
  batch.resize(kBatchHeaderBytes);
  batch += records;
  StoreBigEndian(batch.data() + 8, static_cast<int32_t>(batch.size() - kBatchLogOverheadBytes));
  StoreBigEndian(batch.data() + 23, count - 1);
  StoreBigEndian(batch.data() + 57, count);
  return WithRightCrc(std::move(batch));
}

}  // namespace leat::model
