#include <algorithm>
#include <cstring>

#include "stream/data/column.h"

namespace leat::data {
namespace {

// Small first, since a batch may hold a few bytes of text; then doubling, so that chunks stay few.
constexpr size_t kFirstChunkBytes = 1024;
constexpr size_t kMaxChunkBytes = 256 * 1024;

}  // namespace

char* TextArena::Reserve(size_t n) {
  if (n > left_) {
    const size_t wanted = std::clamp(bytes_, kFirstChunkBytes, kMaxChunkBytes);
    left_ = std::max(n, wanted);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    next_ = chunks_.back().get();
    bytes_ += left_;
  }
  return next_;
}

std::string_view TextArena::Commit(size_t used) {
  LEAT_CHECK(used <= left_) << used << " of " << left_ << " bytes";
  const std::string_view text(next_, used);
  next_ += used;
  left_ -= used;
  return text;
}

std::string_view TextArena::Copy(std::string_view text) {
  if (text.empty()) return {};
  std::memcpy(Reserve(text.size()), text.data(), text.size());
  return Commit(text.size());
}

}  // namespace leat::data
