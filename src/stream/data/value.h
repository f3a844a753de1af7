// One SQL value, for literals, keys in tests, and everything that is not on a hot path.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "stream/data/type.h"

namespace leat::data {

// Holds the storage form of its type (see Storage): NULL is monostate.
struct Value {
  std::variant<std::monostate, bool, int32_t, int64_t, double, Int128, std::string> v;

  static Value Null() { return {}; }
  bool is_null() const { return v.index() == 0; }
  friend bool operator==(const Value&, const Value&) = default;
};

// As SQL CAST(value AS STRING) prints it; NULL prints as NULL.
std::string FormatValue(const Value& value, const Type& type);

}  // namespace leat::data
