// Which keys of a view, and how many of them at once. Keys are bytes and are ordered as such. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace leat::view {

// begin <= key, and key < end where there is an end.
struct Range {
  std::string begin;
  std::optional<std::string> end = std::nullopt;

  static Range All() { return {}; }
  static Range Key(std::string key);
  static Range Prefix(std::string prefix);  // an empty prefix: all

  bool Contains(std::string_view key) const { return begin <= key && (!end || key < *end); }
  bool empty() const { return end && *end <= begin; }
};

// A page ends before either would be passed; its first row comes whatever its size.
struct PageLimit {
  size_t rows = 100;
  size_t bytes = size_t{1} << 20;  // of keys and values
};

}  // namespace leat::view
