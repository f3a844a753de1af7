// Builds the changelog of a group aggregate, row by row, in batches of the usual size.
#pragma once

#include <span>

#include "stream/exec/accumulator.h"
#include "stream/exec/operator.h"

namespace leat::exec {

class GroupOutput {
 public:
  // Everything must outlive this object.
  GroupOutput(const plan::Node& node, const AccumulatorLayout& layout, const data::Batch& input, Output& output);
  std::span<const data::ColumnPtr> keys() const { return keys_; }

  // The group's result before the row; then exactly one of FinishUpdate and FinishDelete. A new group has FinishInsert
  // alone.
  void AppendOld(size_t row, const char* accumulator) { Append(row, accumulator, data::RowKind::kUpdateBefore); }
  absl::Status FinishInsert(size_t row, const char* accumulator);
  absl::Status FinishUpdate(size_t row, const char* accumulator);  // without a TTL: nothing if it is the same
  absl::Status FinishDelete();
  absl::Status Flush();

 private:
  void Start();
  void Append(size_t row, const char* accumulator, data::RowKind kind);
  bool LastTwoEqual() const;
  absl::Status FlushIfFull();

  const plan::Node& node_;
  const AccumulatorLayout& layout_;
  Output& output_;
  std::vector<data::ColumnPtr> keys_;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<data::RowKind> kinds_;
};

}  // namespace leat::exec
