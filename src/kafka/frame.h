// The bytes of one request, behind its length. Owned by the exchange that serves it; requests borrow from it, and
// records that are produced are parts of it, which their log changes in place.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace leat::kafka {

struct Frame {
  std::shared_ptr<char[]> bytes;  // shared with the records that are on their way to a log
  size_t size = 0;

  static Frame Of(size_t size) { return {std::make_shared_for_overwrite<char[]>(size), size}; }
  std::string_view view() const { return {bytes.get(), size}; }
};

}  // namespace leat::kafka
