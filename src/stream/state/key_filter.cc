#include "stream/state/key_filter.h"

namespace leat::state {
namespace {

constexpr size_t kFirstWords = 8;
constexpr size_t kGrowth = 4;
constexpr size_t kKeysPerWord = 4;

uint64_t Bits(uint64_t hash) {
  return uint64_t{1} << (hash & 63) | uint64_t{1} << (hash >> 6 & 63) | uint64_t{1} << (hash >> 12 & 63) |
         uint64_t{1} << (hash >> 18 & 63);
}

size_t WordOf(uint64_t hash, size_t words) { return hash >> 24 & (words - 1); }

}  // namespace

void KeyFilter::Add(size_t hash) {
  if (MayHave(hash)) return;
  if (layers_.empty() || layers_.back().room == 0) {
    const size_t words = layers_.empty() ? kFirstWords : kGrowth * layers_.back().words.size();
    layers_.push_back({std::vector<uint64_t>(words), words * kKeysPerWord});
    bytes_ += words * sizeof(uint64_t);
  }
  Layer& layer = layers_.back();
  layer.words[WordOf(hash, layer.words.size())] |= Bits(hash);
  --layer.room;
}

bool KeyFilter::MayHave(size_t hash) const {
  const uint64_t bits = Bits(hash);
  for (const Layer& layer : layers_) {
    if ((layer.words[WordOf(hash, layer.words.size())] & bits) == bits) return true;
  }
  return false;
}

}  // namespace leat::state
