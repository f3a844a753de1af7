// The values of OVER's functions for one row after another of a partition. Rows are added in order; the frame is either
// everything so far, or is given anew for each row. One operator's.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stream/exec/accumulator.h"

namespace leat::exec {

// The functions of a kOver node over batches of the columns that they read.
class OverFunctions {
 public:
  static absl::StatusOr<OverFunctions> Make(const plan::Node& node);

  // The columns of the node's input that the functions read, once each, in order.
  const std::vector<int>& columns() const { return columns_; }
  const data::SchemaPtr& schema() const { return schema_; }  // of these

  // What the functions know of the rows added.
  struct Values {
    std::vector<char> accumulator;
    std::vector<std::set<std::string, std::less<>>> seen;  // per accumulated aggregate: DISTINCT values
    std::vector<std::vector<std::string>> kept;            // per function: FIRST_VALUE, LAST_VALUE one; LAG its rows
    int64_t rows = 0;
    data::TextArena texts;
  };
  Values Empty() const;
  // kDataLoss if the bytes are none of these functions.
  absl::Status Load(std::string_view stored, Values* values) const;
  std::string Store(const Values& values) const;

  // Adds row `row` of a batch of schema(); `bound` is Bind of the batch.
  std::vector<BoundSlot> Bind(const data::Batch& batch) const { return layout_.Bind(batch); }
  void Add(const data::Batch& batch, const std::vector<BoundSlot>& bound, size_t row, Values* values) const;
  // Appends the results after the row that was added last: row `row` of the batch.
  absl::Status Append(const Values& values, const data::Batch& batch, size_t row,
                      std::span<const std::shared_ptr<data::Column>> results) const;

 private:
  struct Function {
    plan::Aggregate aggregate;  // its columns are those of schema()
    int slot = -1;              // of the layout; -1: none of its aggregates
  };
  OverFunctions(AccumulatorLayout layout) : layout_(std::move(layout)) {}  // NOLINT: private

  std::vector<int> columns_;
  data::SchemaPtr schema_;
  std::vector<Function> functions_;
  AccumulatorLayout layout_;
};

}  // namespace leat::exec
