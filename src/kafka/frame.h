// The bytes of one request, behind its length. Owned by the exchange that serves it; requests borrow from it.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace leat::kafka {

struct Frame {
  std::unique_ptr<char[]> bytes;
  size_t size = 0;

  static Frame Of(size_t size) { return {std::make_unique_for_overwrite<char[]>(size), size}; }
  std::string_view view() const { return {bytes.get(), size}; }
};

}  // namespace leat::kafka
