#include "base/spare_buffers.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace leat {
namespace {

constexpr size_t kLeastBytes = size_t{16} << 10;
constexpr size_t kMostBytes = size_t{2} << 20;      // of one
constexpr size_t kMostKeptBytes = size_t{8} << 20;  // of a thread

struct Spare {
  std::vector<std::string> buffers;
  size_t bytes = 0;
};
thread_local Spare spare;

}  // namespace

std::string TakeBuffer(size_t n) {
  auto& buffers = spare.buffers;
  // The last one given is the warmest.
  const auto it = std::find_if(buffers.rbegin(), buffers.rend(),
                               [n](const std::string& one) { return one.capacity() >= n && one.capacity() / 4 <= n; });
  if (it == buffers.rend()) return std::string(n, '\0');
  std::string buffer = std::move(*it);
  buffers.erase(std::next(it).base());
  spare.bytes -= buffer.capacity();
  buffer.resize(n);
  return buffer;
}

void GiveBuffer(std::string buffer) {
  const size_t bytes = buffer.capacity();
  if (bytes < kLeastBytes || bytes > kMostBytes || spare.bytes + bytes > kMostKeptBytes) return;
  spare.bytes += bytes;
  spare.buffers.push_back(std::move(buffer));
}

}  // namespace leat
