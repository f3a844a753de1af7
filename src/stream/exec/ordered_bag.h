// A counted multiset of values in one string, ordered by value: what MIN and MAX keep when their input can take rows
// back. Values are bytes whose order is the order of the values. The form is described in
// docs/internals/stream-state.md. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/data/column.h"

namespace leat::exec {

// Appends the bytes of a value, such that memcmp orders them as SQL orders the values. REQUIRES: not NULL, no ROW.
void EncodeOrdered(const data::Column& column, size_t row, std::string* out);
// Appends the value to the column. kDataLoss if the bytes are none of its type.
absl::Status DecodeOrdered(std::string_view bytes, data::Column* column);

// value_bytes: the size of every value; 0 for text, whose entries carry their size.
class OrderedBag {
 public:
  explicit OrderedBag(size_t value_bytes) : value_bytes_(value_bytes) {}
  // Adds `delta` to the value's count; at zero the value goes. False, and nothing changed, if the count would fall
  // below zero.
  bool Change(std::string_view value, int64_t delta, std::string* bag) const;
  std::optional<std::string_view> Smallest(std::string_view bag) const;
  std::optional<std::string_view> Largest(std::string_view bag) const;

 private:
  struct Place {
    size_t at;
    bool found;
  };
  Place Find(std::string_view value, std::string_view bag) const;
  size_t EntryBytes(std::string_view bag, size_t at) const;
  std::string_view ValueAt(std::string_view bag, size_t at) const;

  size_t value_bytes_;
};

size_t OrderedValueBytes(data::Storage storage);

}  // namespace leat::exec
