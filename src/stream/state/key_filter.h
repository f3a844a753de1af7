// A set of keys, known by their hashes, that may be taken to hold more than it does: two bytes a key, about one of a
// hundred other keys. Keys are never removed. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leat::state {

class KeyFilter {
 public:
  void Add(size_t hash);
  // False: it was never added.
  bool MayHave(size_t hash) const;
  size_t MemoryBytes() const { return bytes_; }

 private:
  // For four times as many keys as the one before, so that growing reads no key.
  struct Layer {
    std::vector<uint64_t> words;  // a power of two of them; each key sets bits of one
    size_t room;
  };
  std::vector<Layer> layers_;
  size_t bytes_ = 0;
};

}  // namespace leat::state
