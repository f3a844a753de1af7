// A number that cannot be mistaken for another number: Offset is not PartitionId.
#pragma once

#include <compare>
#include <ostream>
#include <utility>

namespace leat {

template <typename Tag, typename Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
  // Distances are plain numbers: id + 3, id - other.
  friend constexpr StrongId operator+(StrongId id, Rep n) { return StrongId(static_cast<Rep>(id.value_ + n)); }
  friend constexpr StrongId operator-(StrongId id, Rep n) { return StrongId(static_cast<Rep>(id.value_ - n)); }
  friend constexpr Rep operator-(StrongId a, StrongId b) { return static_cast<Rep>(a.value_ - b.value_); }
  StrongId& operator++() {
    ++value_;
    return *this;
  }
  template <typename H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, StrongId id) { return out << +id.value_; }

 private:
  Rep value_{};
};

}  // namespace leat
