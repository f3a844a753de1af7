// The rows of one partition of a Top-N in their order, as they are kept in the state: each the bytes that order it and
// data::EncodeKey of its columns. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::exec {

struct RankedRow {
  std::string order;
  std::string row;
};

class RankedRows {
 public:
  static absl::StatusOr<RankedRows> Parse(std::string_view stored);
  std::string Store() const;

  size_t size() const { return rows_.size(); }
  const RankedRow& at(size_t i) const { return rows_[i]; }
  // Where a row of this order belongs: behind its equals, or before them if the newest is first.
  size_t PlaceOf(std::string_view order, bool newest_first) const;
  void Insert(size_t at, RankedRow row) {
    rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(at), std::move(row));
  }
  // The first equal row; size() if there is none.
  size_t Find(const RankedRow& row) const;
  void Erase(size_t at) { rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(at)); }

 private:
  std::vector<RankedRow> rows_;
};

}  // namespace leat::exec
