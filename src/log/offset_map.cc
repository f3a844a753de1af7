#include "log/offset_map.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace leat::log {
namespace {

// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein: "SipHash: a fast short-input PRF").
class Sip {
 public:
  explicit Sip(const HashSeed& seed)
      : v0_(0x736f6d6570736575ULL ^ seed.low),
        v1_(0x646f72616e646f6dULL ^ seed.high ^ 0xee),
        v2_(0x6c7967656e657261ULL ^ seed.low),
        v3_(0x7465646279746573ULL ^ seed.high) {}

  void Absorb(uint64_t word) {
    v3_ ^= word;
    Rounds(2);
    v0_ ^= word;
  }
  KeyHash Finish() {
    v2_ ^= 0xee;
    Rounds(4);
    const uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    Rounds(4);
    return {low, v0_ ^ v1_ ^ v2_ ^ v3_};
  }

 private:
  void Rounds(int n) {
    for (; n > 0; --n) {
      v0_ += v1_, v1_ = std::rotl(v1_, 13) ^ v0_, v0_ = std::rotl(v0_, 32);
      v2_ += v3_, v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_, v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_, v1_ = std::rotl(v1_, 17) ^ v2_, v2_ = std::rotl(v2_, 32);
    }
  }
  uint64_t v0_, v1_, v2_, v3_;
};

uint64_t LoadLittle(const char* from, size_t n) {
  unsigned char bytes[8] = {};
  std::memcpy(bytes, from, n);
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | bytes[i];
  return word;
}

// Probing stays short up to here.
constexpr size_t kFillPercent = 90;

}  // namespace

KeyHash HashKey(const HashSeed& seed, std::string_view key) {
  Sip sip(seed);
  size_t at = 0;
  for (; at + 8 <= key.size(); at += 8) sip.Absorb(LoadLittle(key.data() + at, 8));
  sip.Absorb(LoadLittle(key.data() + at, key.size() - at) | static_cast<uint64_t>(key.size()) << 56);
  return sip.Finish();
}

OffsetMap::OffsetMap(size_t bytes, const HashSeed& seed)
    : seed_(seed),
      slots_(std::max<size_t>(bytes / kBytesPerSlot, 2)),
      most_keys_(std::max<size_t>(slots_.size() * kFillPercent / 100, 1)) {}

size_t OffsetMap::BytesFor(uint64_t keys) {
  return static_cast<size_t>((keys * 100 / kFillPercent + 2) * kBytesPerSlot);
}

size_t OffsetMap::FindSlot(const KeyHash& hash) const {
  size_t slot = static_cast<size_t>(hash.low % slots_.size());
  while (slots_[slot].offset >= 0 && slots_[slot].hash != hash) slot = slot + 1 == slots_.size() ? 0 : slot + 1;
  return slot;
}

OffsetMap::Put OffsetMap::Note(std::string_view key, model::Offset offset) {
  const KeyHash hash = HashKey(seed_, key);
  Slot& slot = slots_[FindSlot(hash)];
  if (slot.offset < 0) {
    if (keys_ == most_keys_) return Put::kFull;
    ++keys_;
    slot.hash = hash;
  }
  slot.offset = std::max(slot.offset, offset.value());
  return Put::kDone;
}

model::Offset OffsetMap::Last(std::string_view key) const {
  return model::Offset(slots_[FindSlot(HashKey(seed_, key))].offset);
}

}  // namespace leat::log
