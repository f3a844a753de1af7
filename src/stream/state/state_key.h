// The key of one state entry, in the changelog and in the committed store:
//
//   node id      u16 big-endian
//   table index  u8
//   namespace    i64 big-endian with the sign bit flipped, so that the byte order is the order of the numbers
//   key group    u16 big-endian: leat::data::KeyGroup of the key bytes, so that a rescaled job reads ranges
//   key          the rest: leat::data::EncodeKey of the key columns
//
// The order is therefore: by table, then by time, then by key group. No valid key is empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::state {

inline constexpr int kMaxNodeId = 65534;  // 65535 is free, so that every prefix has an end
inline constexpr int kMaxTableIndex = 255;

struct TableId {
  uint16_t node = 0;
  uint8_t index = 0;
  friend auto operator<=>(const TableId&, const TableId&) = default;
};

struct StateKey {
  TableId table;
  int64_t ns = 0;
  uint16_t group = 0;
  std::string_view key;  // into the bytes it was parsed from
};

inline constexpr size_t kStateKeyBytes = 13;  // of a key before its last part
std::string TablePrefix(TableId table);
std::string NamespacePrefix(TableId table, int64_t ns);
void AppendStateKey(const StateKey& key, std::string* out);
// kDataLoss if the bytes are too short to be a state key.
absl::StatusOr<StateKey> ParseStateKey(std::string_view bytes);
// The smallest bytes greater than all that begin with `prefix`. REQUIRES: not all bytes of prefix are 0xff.
std::string PrefixEnd(std::string_view prefix);

}  // namespace leat::state
