// The last offset of each key, in a fixed number of bytes. Keys are kept as 128-bit keyed hashes (SipHash-2-4): two
// keys that share one would lose the older one's record, which nobody can bring about without knowing the seed. Owned
// by one cleaning; one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace leat::log {

struct HashSeed {
  uint64_t low = 0, high = 0;
};
struct KeyHash {
  uint64_t low = 0, high = 0;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};
KeyHash HashKey(const HashSeed& seed, std::string_view key);

class OffsetMap {
 public:
  static constexpr size_t kBytesPerSlot = 24;
  // `bytes` is what it takes, all of it now; room for at least one key in any case.
  OffsetMap(size_t bytes, const HashSeed& seed);
  // Bytes for a map that is sure to hold so many keys.
  static size_t BytesFor(uint64_t keys);

  enum class Put { kDone, kFull };
  // Notes that the key has a record at the offset; the largest one stays. kFull: a new key, and no room.
  Put Note(std::string_view key, model::Offset offset);
  // The last offset of the key, -1 if it was never noted.
  model::Offset Last(std::string_view key) const;
  size_t keys() const { return keys_; }
  size_t bytes() const { return slots_.size() * kBytesPerSlot; }

 private:
  struct Slot {
    KeyHash hash;
    int64_t offset = -1;  // -1: free
  };
  static_assert(sizeof(Slot) == kBytesPerSlot);
  size_t FindSlot(const KeyHash& hash) const;
  HashSeed seed_;
  std::vector<Slot> slots_;
  size_t most_keys_;
  size_t keys_ = 0;
};

}  // namespace leat::log
