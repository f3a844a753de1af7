// Sixteen bytes of a text at a time, with the compiler's vectors. Internal to stream/format.
#pragma once

#include <cstdint>
#include <cstring>

namespace leat::format {

// Comparisons give all bits of a byte. Bytes are signed: those beyond ASCII are less than any other.
typedef int8_t ByteBlock __attribute__((vector_size(16)));

inline ByteBlock LoadBlock(const char* from) {
  ByteBlock block;
  std::memcpy(&block, from, sizeof(block));
  return block;
}

inline bool AnyBit(const ByteBlock& block) {
  uint64_t halves[2];
  std::memcpy(halves, &block, sizeof(halves));
  return (halves[0] | halves[1]) != 0;
}

}  // namespace leat::format
