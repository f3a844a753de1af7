#include "stream/exec/join_condition.h"

#include "stream/data/key_codec.h"
#include "stream/exec/change_output.h"

namespace leat::exec {

using data::RowKind;

JoinKeys::JoinKeys(const data::Batch& batch, const std::vector<int>& columns, const std::vector<uint8_t>& null_matches)
    : null_matches_(null_matches) {
  for (const int column : columns) columns_.push_back(batch.columns[static_cast<size_t>(column)]);
}

bool JoinKeys::Encode(size_t row, std::string* out) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i]->IsNull(row) && null_matches_[i] == 0) return false;
  }
  out->assign(1, 'k');
  data::EncodeKey(columns_, row, out);
  return true;
}

absl::StatusOr<JoinCondition> JoinCondition::Make(const plan::Node& node) {
  JoinCondition made;
  made.left_width_ = node.inputs[0]->schema->fields.size();
  if (node.join.condition == nullptr) return made;
  LEAT_ASSIGN_OR_RETURN(made.evaluator_, Evaluator::Compile(node.join.condition));
  auto both = std::make_shared<data::Schema>(*node.inputs[0]->schema);
  for (const data::Field& field : node.inputs[1]->schema->fields) both->fields.push_back(field);
  made.both_ = std::move(both);
  return made;
}

absl::StatusOr<std::vector<uint8_t>> JoinCondition::Matches(const data::Batch& batch, size_t row, Side side,
                                                            const std::vector<std::string>& others,
                                                            const Context& context,
                                                            std::vector<std::string>* errors) const {
  std::vector<uint8_t> matches(others.size(), 1);
  if (always() || others.empty()) return matches;
  const size_t own_first = side == Side::kLeft ? 0 : left_width_;
  const size_t other_first = side == Side::kLeft ? left_width_ : 0;
  const std::vector<uint32_t> repeated(others.size(), static_cast<uint32_t>(row));
  data::Batch pairs{.schema = both_, .columns = {}, .rows = others.size()};
  pairs.columns.resize(both_->fields.size());
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    pairs.columns[own_first + i] = data::Gather(batch.columns[i], repeated);
  }
  std::vector<std::shared_ptr<data::Column>> columns;
  std::vector<data::Column*> pointers;
  for (size_t i = 0; i < both_->fields.size() - batch.columns.size(); ++i) {
    columns.push_back(std::make_shared<data::Column>(both_->fields[other_first + i].type));
    pointers.push_back(columns.back().get());
  }
  for (const std::string& other : others) LEAT_RETURN_IF_ERROR(data::DecodeKey(other, pointers));
  for (size_t i = 0; i < columns.size(); ++i) pairs.columns[other_first + i] = std::move(columns[i]);
  std::vector<RowError> failed;
  const data::ColumnPtr held = evaluator_->Evaluate(pairs, context, &failed);
  const std::span<const uint8_t> values = held->values<uint8_t>();
  for (size_t i = 0; i < others.size(); ++i) matches[i] = values[i] != 0 && !held->IsNull(i) ? 1 : 0;
  for (RowError& error : failed) {
    matches[error.row] = 0;
    errors->push_back(std::move(error.reason));
  }
  return matches;
}

absl::Status JoinedRows::Pair(RowKind kind, const data::Batch& batch, size_t row, JoinCondition::Side side,
                              std::string_view other) {
  const bool left = side == JoinCondition::Side::kLeft;
  out.Copy(left ? 0 : left_width, batch, row);
  LEAT_RETURN_IF_ERROR(out.Decode(left ? left_width : 0, left ? right_width : left_width, other));
  return out.Finish(kind);
}

absl::Status JoinedRows::Padded(RowKind kind, const data::Batch& batch, size_t row, JoinCondition::Side side) {
  const bool left = side == JoinCondition::Side::kLeft;
  out.Copy(left ? 0 : left_width, batch, row);
  out.Pad(left ? left_width : 0, left ? right_width : left_width);
  return out.Finish(kind);
}

absl::Status JoinedRows::Padded(RowKind kind, std::string_view stored, JoinCondition::Side side) {
  const bool left = side == JoinCondition::Side::kLeft;
  LEAT_RETURN_IF_ERROR(out.Decode(left ? 0 : left_width, left ? left_width : right_width, stored));
  out.Pad(left ? left_width : 0, left ? right_width : left_width);
  return out.Finish(kind);
}

absl::Status JoinedRows::StoredPair(RowKind kind, std::string_view left, std::string_view right) {
  LEAT_RETURN_IF_ERROR(out.Decode(0, left_width, left));
  LEAT_RETURN_IF_ERROR(out.Decode(left_width, right_width, right));
  return out.Finish(kind);
}

}  // namespace leat::exec
