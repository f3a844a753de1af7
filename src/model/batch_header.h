// Where the fields of a batch are. Private to this module: call record_batch.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/crc32c.h"
#include "model/record_batch.h"

namespace leat::model::internal {

enum BatchField : size_t {
  kBaseOffsetAt = 0,
  kBatchLengthAt = 8,
  kLeaderEpochAt = 12,
  kMagicAt = 16,
  kCrcAt = 17,
  kAttributesAt = 21,  // the CRC covers from here to the end
  kLastOffsetDeltaAt = 23,
  kBaseTimestampAt = 27,
  kMaxTimestampAt = 35,
  kProducerIdAt = 43,
  kProducerEpochAt = 51,
  kBaseSequenceAt = 53,
  kRecordCountAt = 57,
};

inline constexpr int16_t kCompressionBits = 7;
inline constexpr int16_t kLogAppendTimeBit = 8;
inline constexpr int16_t kTransactionalBit = 16;
inline constexpr int16_t kControlBit = 32;
inline constexpr int16_t kDeleteHorizonBit = 64;
// What a producer may set, and what a log may hold.
inline constexpr int16_t kProducerAttributes = kCompressionBits | kLogAppendTimeBit | kTransactionalBit | kControlBit;
inline constexpr int16_t kStoredAttributes = kProducerAttributes | kDeleteHorizonBit;

// Writes the header at the front of a batch whose other bytes are there; length, magic and CRC are computed.
void StoreHeader(const BatchHeader& header, std::string* batch);

// Times are added and subtracted modulo 2^64, as every client does: any two of them have a difference that leads back.
inline int64_t WrappingSubtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// REQUIRES: a whole batch.
inline uint32_t BatchCrc(std::string_view batch) { return Crc32c(batch.substr(kAttributesAt)); }

}  // namespace leat::model::internal
