// 128 random bits that name something for its whole life: a broker process (its incarnation), a voter's directory.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "base/status.h"

namespace leat::model {

struct Uuid {
  uint64_t high = 0;
  uint64_t low = 0;

  // Never one of those that Kafka keeps for itself (all zeros, and the small numbers).
  static Uuid New(Random& random);
  // What ToString printed, with or without padding. kInvalidArgument: anything else.
  static absl::StatusOr<Uuid> Parse(std::string_view text);
  std::string ToString() const;  // 22 characters of URL-safe base64, as Kafka prints ids
  bool is_zero() const { return high == 0 && low == 0; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Uuid& id) {
    return H::combine(std::move(h), id.high, id.low);
  }
  friend std::ostream& operator<<(std::ostream& out, const Uuid& id) { return out << id.ToString(); }
};

}  // namespace leat::model
