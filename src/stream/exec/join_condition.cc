#include "stream/exec/join_condition.h"

#include "stream/data/key_codec.h"
#include "stream/exec/change_output.h"

namespace leat::exec {

using data::RowKind;

namespace {

void MarkInputs(const plan::Expression& expression, std::vector<uint8_t>* reads) {
  if (expression.kind == plan::Expression::Kind::kInput) (*reads)[static_cast<size_t>(expression.input)] = 1;
  for (const plan::ExpressionPtr& argument : expression.arguments) MarkInputs(*argument, reads);
}

}  // namespace

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
  made.reads_.resize(made.both_->fields.size());
  MarkInputs(*node.join.condition, &made.reads_);
  return made;
}

absl::StatusOr<std::vector<uint8_t>> JoinCondition::Matches(const data::Batch& batch, size_t row, Side side,
                                                            const std::vector<std::string>& others,
                                                            const Context& context,
                                                            std::vector<std::string>* errors) const {
  if (always() || others.empty()) return std::vector<uint8_t>(others.size(), 1);
  Trial trial(*this, side);
  for (const std::string& other : others) LEAT_RETURN_IF_ERROR(trial.Add(static_cast<uint32_t>(row), other));
  std::vector<RowError> failed;
  std::vector<uint8_t> matches = trial.Matches(batch, context, &failed);
  for (RowError& error : failed) errors->push_back(std::move(error.reason));
  return matches;
}

JoinCondition::Trial::Trial(const JoinCondition& condition, Side side)
    : condition_(condition),
      own_first_(side == Side::kLeft ? 0 : condition.left_width_),
      other_first_(side == Side::kLeft ? condition.left_width_ : 0) {
  const std::vector<data::Field>& fields = condition.both_->fields;
  const size_t others = side == Side::kLeft ? fields.size() - condition.left_width_ : condition.left_width_;
  for (size_t i = 0; i < others; ++i) {
    others_.push_back(std::make_shared<data::Column>(fields[other_first_ + i].type));
    pointers_.push_back(others_.back().get());
  }
}

absl::Status JoinCondition::Trial::Add(uint32_t row, std::string_view other) {
  rows_.push_back(row);
  return data::DecodeKey(other, pointers_);
}

std::vector<uint8_t> JoinCondition::Trial::Matches(const data::Batch& batch, const Context& context,
                                                   std::vector<RowError>* errors) {
  if (rows_.empty()) return {};
  data::Batch pairs{.schema = condition_.both_, .columns = {}, .rows = rows_.size()};
  pairs.columns.resize(condition_.both_->fields.size());
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    if (condition_.reads_[own_first_ + i] == 0) continue;  // nobody looks at it
    pairs.columns[own_first_ + i] = data::Gather(batch.columns[i], rows_);
  }
  for (size_t i = 0; i < others_.size(); ++i) pairs.columns[other_first_ + i] = std::move(others_[i]);
  std::vector<RowError> failed;
  const data::ColumnPtr held = condition_.evaluator_->Evaluate(pairs, context, &failed);
  const std::span<const uint8_t> values = held->values<uint8_t>();
  std::vector<uint8_t> matches(rows_.size());
  for (size_t i = 0; i < rows_.size(); ++i) matches[i] = values[i] != 0 && !held->IsNull(i) ? 1 : 0;
  for (RowError& error : failed) {
    matches[error.row] = 0;
    errors->push_back({rows_[error.row], std::move(error.reason)});
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

absl::Status JoinedRows::Marked(RowKind kind, const data::Batch& batch, size_t row, bool meets) {
  out.Copy(0, batch, row);
  out.Say(left_width, meets);
  return out.Finish(kind);
}

absl::Status JoinedRows::Marked(RowKind kind, std::string_view stored, bool meets) {
  LEAT_RETURN_IF_ERROR(out.Decode(0, left_width, stored));
  out.Say(left_width, meets);
  return out.Finish(kind);
}

absl::Status JoinedRows::StoredPair(RowKind kind, std::string_view left, std::string_view right) {
  LEAT_RETURN_IF_ERROR(out.Decode(0, left_width, left));
  LEAT_RETURN_IF_ERROR(out.Decode(left_width, right_width, right));
  return out.Finish(kind);
}

}  // namespace leat::exec
