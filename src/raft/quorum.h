// Majority arithmetic. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/check.h"

namespace leat::raft {

inline size_t MajorityOf(size_t voters) { return voters / 2 + 1; }

// The greatest value that a majority has reached, given what each voter has reached. REQUIRES: !reached.empty().
template <typename T>
T ReachedByMajority(std::vector<T> reached) {
  LEAT_CHECK(!reached.empty()) << "a majority of nobody";
  const auto at = reached.begin() + static_cast<std::ptrdiff_t>(MajorityOf(reached.size()) - 1);
  std::nth_element(reached.begin(), at, reached.end(), std::greater<T>());
  return *at;
}

}  // namespace leat::raft
