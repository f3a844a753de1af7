#include "stream/exec/ranked_rows.h"

#include <algorithm>

#include "base/bytes.h"

namespace leat::exec {

absl::StatusOr<RankedRows> RankedRows::Parse(std::string_view stored) {
  RankedRows ranked;
  BytesReader reader(stored);
  while (reader.remaining() > 0) {
    RankedRow row;
    row.order = reader.ReadBytes(reader.ReadUnsignedVarint());
    row.row = reader.ReadBytes(reader.ReadUnsignedVarint());
    if (!reader.ok()) return DataLoss("state: the rows of a Top-N are cut off");
    ranked.rows_.push_back(std::move(row));
  }
  return ranked;
}

std::string RankedRows::Store() const {
  std::string out;
  BytesWriter writer(&out);
  for (const RankedRow& row : rows_) {
    writer.WriteUnsignedVarint(row.order.size());
    writer.WriteBytes(row.order);
    writer.WriteUnsignedVarint(row.row.size());
    writer.WriteBytes(row.row);
  }
  return out;
}

size_t RankedRows::PlaceOf(std::string_view order, bool newest_first) const {
  const auto by_order = [](const RankedRow& row) -> std::string_view { return row.order; };
  const auto at = newest_first ? std::ranges::lower_bound(rows_, order, {}, by_order)
                               : std::ranges::upper_bound(rows_, order, {}, by_order);
  return static_cast<size_t>(at - rows_.begin());
}

size_t RankedRows::Find(const RankedRow& row) const {
  for (size_t i = PlaceOf(row.order, true); i < rows_.size() && rows_[i].order == row.order; ++i) {
    if (rows_[i].row == row.row) return i;
  }
  return rows_.size();
}

}  // namespace leat::exec
