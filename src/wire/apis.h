// Every API whose messages this module can read and write. The tables behind it are src/wire/messages.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace leat::wire {

// The first flexible version of an API that has none.
inline constexpr int16_t kNeverFlexible = std::numeric_limits<int16_t>::max();

struct ApiInfo {
  int16_t key;
  std::string_view name;  // "OffsetForLeaderEpoch"
  int16_t min_version;    // what the codecs know
  int16_t max_version;
  int16_t first_flexible;  // from here on lengths are varints and structs end with tagged fields
  int16_t serve_min;       // what a broker that has everything behind it offers to clients
  int16_t serve_max;
};

// Sorted by key.
std::span<const ApiInfo> Apis();

// Null if no codec knows the key.
const ApiInfo* FindApi(int16_t key);

}  // namespace leat::wire
