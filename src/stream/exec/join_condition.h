// What joins share: the keys of a row, and the condition besides the keys for one row against several of the other
// side.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stream/exec/evaluator.h"
#include "stream/exec/operator.h"

namespace leat::exec {

// The columns of one side by which it is joined.
class JoinKeys {
 public:
  JoinKeys(const data::Batch& batch, const std::vector<int>& columns, const std::vector<uint8_t>& null_matches);
  // False: a NULL among the keys, which meets nothing. Never empty.
  bool Encode(size_t row, std::string* out) const;

 private:
  std::vector<data::ColumnPtr> columns_;
  const std::vector<uint8_t>& null_matches_;
};

class JoinCondition {
 public:
  // Of a join node; its condition may be null.
  static absl::StatusOr<JoinCondition> Make(const plan::Node& node);
  bool always() const { return evaluator_ == nullptr; }

  enum class Side { kLeft, kRight };
  class Trial;
  // One byte for each of `others` (rows as EncodeRow wrote them): 1 if the condition holds for it and row `row` of
  // `batch`, which is of side `side`. A pair for which the condition fails does not match, and is in *errors.
  absl::StatusOr<std::vector<uint8_t>> Matches(const data::Batch& batch, size_t row, Side side,
                                               const std::vector<std::string>& others, const Context& context,
                                               std::vector<std::string>* errors) const;

 private:
  std::shared_ptr<const Evaluator> evaluator_;
  data::SchemaPtr both_;
  size_t left_width_ = 0;
  std::vector<uint8_t> reads_;  // per column of both_
};

// The condition tried on many pairs at once: rows of one batch, which is of side `side`, with stored rows of the other
// side. The condition outlives it.
class JoinCondition::Trial {
 public:
  Trial(const JoinCondition& condition, Side side);
  absl::Status Add(uint32_t row, std::string_view other);
  size_t pairs() const { return rows_.size(); }
  // One byte for each pair, in the order in which they were added. A pair for which the condition fails does not match,
  // and is in *errors with its row of the batch.
  std::vector<uint8_t> Matches(const data::Batch& batch, const Context& context, std::vector<RowError>* errors);

 private:
  const JoinCondition& condition_;
  const size_t own_first_;
  const size_t other_first_;
  std::vector<uint32_t> rows_;
  std::vector<std::shared_ptr<data::Column>> others_;
  std::vector<data::Column*> pointers_;
};

// The output of a join, pair by pair: rows of the batch at hand and stored ones of the other side.
class ChangeOutput;
struct JoinedRows {
  ChangeOutput& out;
  size_t left_width;
  size_t right_width;

  // Row `row` of `batch`, which is of `side`, with a stored row of the other side.
  absl::Status Pair(data::RowKind kind, const data::Batch& batch, size_t row, JoinCondition::Side side,
                    std::string_view other);
  // The row without a partner.
  absl::Status Padded(data::RowKind kind, const data::Batch& batch, size_t row, JoinCondition::Side side);
  // A stored row, which is of `side`, without a partner.
  absl::Status Padded(data::RowKind kind, std::string_view stored, JoinCondition::Side side);
  // A left row, and whether it meets a right one.
  absl::Status Marked(data::RowKind kind, const data::Batch& batch, size_t row, bool meets);
  absl::Status Marked(data::RowKind kind, std::string_view stored, bool meets);
  absl::Status StoredPair(data::RowKind kind, std::string_view left, std::string_view right);
};

}  // namespace leat::exec
