#include "base/murmur2.h"

#include <cstring>

#include "base/check.h"

namespace leat {

uint32_t Murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kM = 0x5bd1e995;
  uint32_t h = kSeed ^ static_cast<uint32_t>(bytes.size());
  while (bytes.size() >= 4) {
    uint32_t k;
    std::memcpy(&k, bytes.data(), 4);
    k *= kM;
    k ^= k >> 24;
    k *= kM;
    h = (h * kM) ^ k;
    bytes.remove_prefix(4);
  }
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  if (bytes.size() >= 3) h ^= byte(2) << 16;
  if (bytes.size() >= 2) h ^= byte(1) << 8;
  if (!bytes.empty()) h = (h ^ byte(0)) * kM;
  h ^= h >> 13;
  h *= kM;
  return h ^ (h >> 15);
}

int32_t PartitionForKey(std::string_view key, int32_t partition_count) {
  LEAT_CHECK(partition_count > 0);
  return static_cast<int32_t>((Murmur2(key) & 0x7fffffff) % static_cast<uint32_t>(partition_count));
}

}  // namespace leat
