// UNNEST: each row once for each value of its collection, with the value's columns behind its own. Kinds of rows stay
// as they are: a row that is taken back takes back the same rows that it gave.
#include "base/strings.h"
#include "stream/data/collection.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

using data::TypeKind;

class Unnest : public StatelessOperator {
 public:
  explicit Unnest(plan::NodePtr node)
      : node_(std::move(node)), type_(node_->inputs[0]->schema->fields[static_cast<size_t>(node_->keys[0])].type) {
    if (type_.IsCollection()) cells_ = data::CellTypes(type_);
  }

  std::string Name() const override { return StrCat("Unnest#", node_->id); }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;

 private:
  // The rows that come out next: which input row each is of, and the columns of its value.
  struct Rows {
    const data::Batch& input;
    Output& output;
    std::vector<uint32_t> of;
    std::vector<std::shared_ptr<data::Column>> columns;
  };
  void Start(Rows* rows) const;
  absl::Status AddRow(size_t row, Rows* rows) const;
  absl::Status AddCollection(std::string_view bytes, uint32_t row, Rows* rows) const;
  // Behind each row whose columns have their values.
  absl::Status Finish(uint32_t row, Rows* rows) const;
  absl::Status Emit(Rows* rows) const;

  plan::NodePtr node_;
  data::Type type_;
  std::vector<data::Type> cells_;
};

void Unnest::Start(Rows* rows) const {
  rows->of.clear();
  rows->columns.clear();
  // An element that is a ROW is taken as one column, whose fields come out.
  for (const data::Type& cell : cells_) rows->columns.push_back(std::make_shared<data::Column>(cell.AsNullable()));
  if (type_.kind == TypeKind::kMultiset) rows->columns.pop_back();  // how often, which is no column
  if (node_->rank.with_rank) rows->columns.push_back(std::make_shared<data::Column>(data::Int()));
}

absl::Status Unnest::Finish(uint32_t row, Rows* rows) const {
  rows->of.push_back(row);
  return rows->of.size() < data::kBatchRows ? absl::OkStatus() : Emit(rows);
}

absl::Status Unnest::AddCollection(std::string_view bytes, uint32_t row, Rows* rows) const {
  data::CollectionReader reader(bytes, cells_);
  int32_t place = 0;
  while (!reader.done()) {
    const std::string_view first = reader.Next();
    int32_t times = 1;
    std::string_view second;
    if (cells_.size() > 1) second = reader.Next();
    if (type_.kind == TypeKind::kMultiset) {
      data::Column count(data::Int());
      data::AppendCellTo(second, &count);
      times = count.values<int32_t>()[0];
    }
    for (int32_t i = 0; i < times; ++i) {
      data::AppendCellTo(first, rows->columns[0].get());
      if (type_.kind == TypeKind::kMap) data::AppendCellTo(second, rows->columns[1].get());
      if (node_->rank.with_rank) rows->columns.back()->Append<int32_t>(++place);
      LEAT_RETURN_IF_ERROR(Finish(row, rows));
    }
  }
  return absl::OkStatus();
}

absl::Status Unnest::AddRow(size_t row, Rows* rows) const {
  const data::Column& column = *rows->input.columns[static_cast<size_t>(node_->keys[0])];
  const auto at = static_cast<uint32_t>(row);
  if (!column.IsNull(row) && !type_.IsCollection()) {
    for (int64_t i = 0; i < column.values<int64_t>()[row]; ++i) LEAT_RETURN_IF_ERROR(Finish(at, rows));
    return absl::OkStatus();
  }
  const bool empty =
      column.IsNull(row) || data::CollectionReader(column.values<std::string_view>()[row], cells_).count() == 0;
  if (!empty) return AddCollection(column.values<std::string_view>()[row], at, rows);
  if (node_->join.type != plan::JoinType::kLeft) return absl::OkStatus();
  for (auto& value : rows->columns) value->AppendNull();
  return Finish(at, rows);
}

absl::Status Unnest::Process(OperatorState&, const Context&, const data::Batch& input, Output& output) const {
  Rows rows{.input = input, .output = output, .of = {}, .columns = {}};
  Start(&rows);
  for (size_t row = 0; row < input.rows; ++row) LEAT_RETURN_IF_ERROR(AddRow(row, &rows));
  return Emit(&rows);
}

absl::Status Unnest::Emit(Rows* rows) const {
  if (rows->of.empty()) return absl::OkStatus();
  data::Batch batch = data::Gather(rows->input, rows->of);
  batch.schema = node_->schema;
  for (const auto& column : rows->columns) {
    if (column->type().kind != TypeKind::kRow || type_.kind != TypeKind::kArray) {
      batch.columns.push_back(column);
      continue;
    }
    batch.columns.insert(batch.columns.end(), column->children().begin(), column->children().end());
  }
  Start(rows);
  return rows->output.Emit(std::move(batch));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeUnnest(const plan::NodePtr& node) {
  return std::unique_ptr<Operator>(std::make_unique<Unnest>(node));
}

}  // namespace leat::exec
