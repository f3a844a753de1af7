// One record of a batch, as bytes. Private to this module: call record_batch.h.
//
//   length varint (bytes behind this field) | attributes i8 | timestamp delta varlong | offset delta varint
//   key length varint (-1: null), key | value length varint (-1: null), value | header count varint
//   each header: key length varint, key | value length varint (-1: null), value
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/record_batch.h"

namespace leat::model::internal {

// The smallest record: seven fields of one byte.
inline constexpr size_t kMinRecordBytes = 7;

struct DecodedRecord {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
};

// Takes the record at the front of *rest. Never reads past it and allocates only in *headers, which it clears first;
// headers are checked but not kept if `headers` is null. Returns null if the record is sound, else what is wrong with
// it (static text); *rest and *record mean nothing then.
const char* DecodeRecord(std::string_view* rest, DecodedRecord* record, std::vector<Header>* headers);

// Appends a record.
void EncodeRecord(const DecodedRecord& record, const std::vector<Header>& headers, std::string* out);

}  // namespace leat::model::internal
