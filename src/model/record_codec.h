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

// The same for the checks of an append alone: true if the record at the front of *rest is sound, is the index-th of its
// batch, and has no headers, and, where asked, a key; it is taken off then. False says nothing: DecodeRecord does.
enum class KeyRule { kAny, kNeeded };
inline bool SkipPlainRecord(std::string_view* rest, int32_t index, KeyRule keys);

// Appends a record.
void EncodeRecord(const DecodedRecord& record, const std::vector<Header>& headers, std::string* out);

// What follows is walked for every record that is produced.

// A zigzag varint of one to three bytes, which is what lengths and deltas take; false leaves the rest to others.
inline bool ReadShortVarint(const char** at, const char* end, int32_t* value) {
  uint32_t zigzag = 0;
  for (int shift = 0; shift < 21; shift += 7) {
    if (*at == end) return false;
    const auto byte = static_cast<uint8_t>(*(*at)++);
    zigzag |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = static_cast<int32_t>(zigzag >> 1) ^ -static_cast<int32_t>(zigzag & 1);
      return true;
    }
  }
  return false;
}

// Moves *at over a field with its length in front; a length of -1 stands for null.
inline bool SkipField(const char** at, const char* end, int32_t* length) {
  if (!ReadShortVarint(at, end, length) || *length < -1 || *length > end - *at) return false;
  if (*length > 0) *at += *length;
  return true;
}

inline bool SkipPlainRecord(std::string_view* rest, int32_t index, KeyRule keys) {
  const char* at = rest->data();
  const char* const all = at + rest->size();
  int32_t length, timestamp_delta, offset_delta, key_length, value_length, header_count;
  if (!ReadShortVarint(&at, all, &length) || length < 1 || length > all - at) return false;
  const char* const end = at + length;
  ++at;  // attributes
  const bool sound = ReadShortVarint(&at, end, &timestamp_delta) && ReadShortVarint(&at, end, &offset_delta) &&
                     SkipField(&at, end, &key_length) && SkipField(&at, end, &value_length) &&
                     ReadShortVarint(&at, end, &header_count);
  if (!sound || at != end || offset_delta != index || header_count != 0) return false;
  if (keys == KeyRule::kNeeded && key_length < 0) return false;
  rest->remove_prefix(static_cast<size_t>(end - rest->data()));
  return true;
}

}  // namespace leat::model::internal
